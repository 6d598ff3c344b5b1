//! The actor of a registration: one thing after the other, each over its row.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use serde_json::{Map, Value, json};

use super::{
    Connect, Error, RegistrationId, Starting, Watcher, WidgetKind,
    door::Hub,
    messages::{Ask, By, Connected, Refresh, Target, WidgetCommand, answer},
    projection::Shown,
};
use crate::{
    crash_point,
    delivery::{AddMember, Member},
    ids::{RunId, Seq, StreamId, TenantId, WorkflowId},
    protocol::events::{WidgetConnect, WidgetMode},
    store::tables::registrations::{self, Registration},
    supervise::{Control, Deliver, Life, Ticket},
};

/// How often a busy actor says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Wait between two tries when the store cannot answer.
const RETRY: Duration = Duration::from_millis(500);

/// The actor of one registration.
pub struct WidgetActor {
    hub: Arc<Hub>,
    life: Life<WidgetKind>,
    /// As its row has it.
    row: Option<Box<Registration>>,
    inbox: VecDeque<(Ask, Ticket)>,
    /// Something is being done.
    busy: bool,
    /// A wanted restart: nothing new is begun.
    finishing: bool,
}

impl WidgetActor {
    pub(super) fn new(hub: Arc<Hub>, life: Life<WidgetKind>) -> Self {
        Self { hub, life, row: None, inbox: VecDeque::new(), busy: false, finishing: false }
    }

    /// Reads its row, if it had one when an earlier actor of it ended.
    fn load(&mut self, ctx: &mut Context<Self>) {
        self.busy = true;
        self.life.doing(|| "reading its row".to_owned());
        let (hub, id) = (Arc::clone(&self.hub), self.life.id().clone());
        let load = async move {
            loop {
                let id = id.clone();
                match hub.store.read(move |db| registrations::find(db, &id.socket, &id.widget)).await {
                    Err(error) if error.is_transient() => tokio::time::sleep(RETRY).await,
                    read => return read,
                }
            }
        };
        ctx.spawn(load.into_actor(self).map(|read, actor, ctx| {
            actor.busy = false;
            match read {
                Ok(row) => {
                    actor.row = row.map(Box::new);
                    actor.life.ready();
                    actor.next(ctx);
                }
                Err(error) => {
                    log::warn!(widget:% = actor.life.id(); "a registration cannot be read: {error}");
                    actor.life.failed(error);
                    ctx.stop();
                }
            }
        }));
    }

    fn next(&mut self, ctx: &mut Context<Self>) {
        if self.busy {
            return;
        }
        let Some((ask, ticket)) = self.inbox.pop_front() else { return self.rest(ctx) };
        self.busy = true;
        crash_point!("widget.command");
        let at_work = carry_out(Arc::clone(&self.hub), self.life.id().clone(), self.row.clone(), ask);
        ctx.spawn(at_work.into_actor(self).map(move |row, actor, ctx| {
            drop(ticket);
            actor.busy = false;
            actor.row = row;
            actor.next(ctx);
        }));
    }

    /// Nothing is left to do.
    fn rest(&mut self, ctx: &mut Context<Self>) {
        if self.finishing {
            return self.stop(ctx);
        }
        if self.row.is_none() {
            self.life.rest();
        }
    }

    fn stop(&mut self, ctx: &mut Context<Self>) {
        self.life.stopped();
        ctx.stop();
    }

    fn is_idle(&self) -> bool {
        !self.busy && self.inbox.is_empty()
    }

    /// For ops: never payloads.
    fn detail(&self) -> Value {
        let row = self.row.as_deref();
        json!({
            "widgetID": self.life.id().widget,
            "socketID": self.life.id().socket,
            "tenantID": row.map(|row| &row.tenant_id),
            "workflowID": row.and_then(|row| row.workflow_id.as_ref()),
            "instanceID": row.map(|row| &row.instance_id),
            "mode": row.map(|row| &row.mode),
            "waiting": self.inbox.len() + usize::from(self.busy),
        })
    }
}

impl Actor for WidgetActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(HEARTBEAT, |actor, _| {
            if actor.busy {
                actor.life.progress();
            }
        });
        if self.hub.has_row(self.life.id()) {
            self.load(ctx);
        } else {
            self.life.ready();
        }
    }
}

impl Handler<Deliver<WidgetCommand>> for WidgetActor {
    type Result = ();
    fn handle(&mut self, deliver: Deliver<WidgetCommand>, ctx: &mut Context<Self>) {
        let Deliver { command: WidgetCommand(ask), ticket } = deliver;
        self.inbox.push_back((ask, ticket));
        self.next(ctx);
    }
}

impl Handler<Control> for WidgetActor {
    type Result = ();
    fn handle(&mut self, control: Control, ctx: &mut Context<Self>) {
        match control {
            Control::MayStop if self.is_idle() => self.stop(ctx),
            Control::MayStop => self.life.busy(),
            Control::Finish => {
                self.finishing = true;
                if self.is_idle() {
                    self.stop(ctx);
                }
            }
            Control::Report => self.life.report(self.detail(), self.hub.clock.monotonic()),
            Control::Abandon => {
                self.life.replaced();
                ctx.terminate();
            }
        }
    }
}

/// Does one thing and answers it; the row from now on.
async fn carry_out(
    hub: Arc<Hub>,
    id: RegistrationId,
    row: Option<Box<Registration>>,
    ask: Ask,
) -> Option<Box<Registration>> {
    match ask {
        Ask::Connect(connect, reply) => {
            let (row, result) = told(&hub, &id, row.clone(), connected(&hub, &id, row, *connect).await);
            answer(reply, result);
            row
        }
        Ask::Refresh(refresh, reply) => {
            let (row, result) = told(&hub, &id, row.clone(), refreshed(&hub, &id, row, refresh).await);
            answer(reply, result);
            row
        }
        Ask::Disconnect(disconnect, reply) => {
            if let Some(row) = row {
                let (key, member) = (Arc::from(id.widget.as_str()), &disconnect.member);
                hub.shards.unregister(&StreamId::of_run(&row.instance_id), member, &key);
                hub.shards.remove_member(&StreamId::of_widget(&row.tenant_id, &id.widget), member);
                hub.ledger.remove(id.clone());
            }
            hub.forget(&id);
            for frame in disconnect.last {
                hub.shards.direct(&disconnect.member, frame);
            }
            answer(reply, Ok(()));
            None
        }
        Ask::Gone => {
            // Its memberships went with the socket.
            hub.ledger.remove(id);
            None
        }
    }
}

/// What a connect or refresh comes to: the row from now on, and the answer.
fn told(
    hub: &Hub,
    id: &RegistrationId,
    before: Option<Box<Registration>>,
    result: Result<(Option<Box<Registration>>, Connected), Error>,
) -> (Option<Box<Registration>>, Result<Connected, Error>) {
    let (row, result) = match result {
        Ok((row, connected)) => (row, Ok(connected)),
        Err(error) => (before, Err(error)),
    };
    if row.is_some() {
        hub.registered(id);
    } else {
        hub.forget(id);
    }
    (row, result)
}

async fn connected(
    hub: &Hub,
    id: &RegistrationId,
    before: Option<Box<Registration>>,
    connect: Connect,
) -> Result<(Option<Box<Registration>>, Connected), Error> {
    let Connect { member, tenant, target, said, by, ack } = connect;
    let (mode, config) = (target.mode(), config(&said));
    let watcher = Watcher {
        member: member.clone(),
        key: Arc::from(id.widget.as_str()),
        projection: Arc::new(Shown::new(id.widget.clone(), mode, config.clone())),
        replaces: before.as_ref().map(|before| before.instance_id.clone()),
        ack,
    };
    let inputs = said.inputs.map_or(Value::Null, Value::Object);
    let new = |workflow: Option<WorkflowId>, run: RunId| Registration {
        socket_id: id.socket.clone(),
        widget_id: id.widget.clone(),
        tenant_id: tenant.clone(),
        workflow_id: workflow,
        instance_id: run,
        mode: mode.as_str().to_owned(),
        inputs: inputs.clone(),
        config: config.clone(),
        starter_user_id: by.user.clone(),
        starter_api_key_id: by.api_key.clone(),
    };
    let row = match target {
        Target::Execute(workflow) => {
            let row = Box::new(new(Some(workflow.clone()), RunId::trusted("")));
            let inputs = Some(inputs.clone()).filter(|inputs| !inputs.is_null());
            let (of, tenant) = ((workflow, inputs), tenant.clone());
            Some(start(hub, tenant, of, by.clone(), watcher, row).await?)
        }
        Target::Subscribe(run) => {
            let row = new(run.workflow_id.clone(), run.instance_id.clone());
            hub.ledger.put(row.clone()).await?;
            if let Err(error) = hub.host.attach(*run, watcher, false).await {
                // As it was before.
                match &before {
                    Some(before) => hub.ledger.put(before.as_ref().clone()).await?,
                    None => hub.ledger.remove(id.clone()),
                }
                return Err(error);
            }
            Some(Box::new(row))
        }
        Target::Replay(run) => {
            let instance = run.instance_id.clone();
            hub.host.attach(*run, watcher, true).await?;
            if before.is_some() {
                hub.ledger.remove(id.clone());
            }
            listen(hub, id, &member, before.as_deref(), None);
            return Ok((None, Connected { run: instance, once: true }));
        }
    };
    let run = row.as_ref().map(|row| row.instance_id.clone()).unwrap_or_else(|| RunId::trusted(""));
    listen(hub, id, &member, before.as_deref(), Some(&tenant));
    Ok((row, Connected { run, once: false }))
}

async fn refreshed(
    hub: &Hub,
    id: &RegistrationId,
    before: Option<Box<Registration>>,
    refresh: Refresh,
) -> Result<(Option<Box<Registration>>, Connected), Error> {
    let before = before.ok_or(Error::NotConnected)?;
    let workflow = before.workflow_id.clone().ok_or(Error::NoWorkflow)?;
    let Refresh { member, inputs, by, ack } = refresh;
    let inputs = inputs.map_or_else(|| before.inputs.clone(), Value::Object);
    let mode = WidgetMode::Execute;
    let watcher = Watcher {
        member,
        key: Arc::from(id.widget.as_str()),
        projection: Arc::new(Shown::new(id.widget.clone(), mode, before.config.clone())),
        replaces: Some(before.instance_id.clone()),
        ack,
    };
    let row = Registration {
        mode: mode.as_str().to_owned(),
        inputs: inputs.clone(),
        starter_user_id: by.user.clone(),
        starter_api_key_id: by.api_key.clone(),
        ..before.as_ref().clone()
    };
    let of = (workflow, Some(inputs).filter(|inputs| !inputs.is_null()));
    let row = start(hub, before.tenant_id.clone(), of, by, watcher, Box::new(row)).await?;
    let run = row.instance_id.clone();
    Ok((Some(row), Connected { run, once: false }))
}

/// A new run, whose first watcher the registration is.
async fn start(
    hub: &Hub,
    tenant: TenantId,
    (workflow, inputs): (WorkflowId, Option<Value>),
    by: By,
    watcher: Watcher,
    mut row: Box<Registration>,
) -> Result<Box<Registration>, Error> {
    let starting = Starting {
        tenant,
        workflow,
        inputs,
        user: by.user,
        api_key: by.api_key,
        watcher,
        row: row.clone(),
        hub: hub.id.clone(),
    };
    row.instance_id = hub.host.start(starting).await?;
    Ok(row)
}

/// Hears what is published to the widget by listeners, in the tenant of its run.
fn listen(
    hub: &Hub,
    id: &RegistrationId,
    member: &Member,
    before: Option<&Registration>,
    tenant: Option<&TenantId>,
) {
    let old = before.map(|before| &before.tenant_id);
    if old == tenant {
        return;
    }
    if let Some(old) = old {
        hub.shards.remove_member(&StreamId::of_widget(old, &id.widget), member);
    }
    if let Some(tenant) = tenant {
        let subject = StreamId::of_widget(tenant, &id.widget);
        hub.shards.add_member(AddMember::join(subject, member.clone(), Seq::ZERO));
    }
}

/// What the page said about the widget, as its row keeps it.
fn config(said: &WidgetConnect) -> Value {
    let parts = [
        ("widgetType", &said.widget_type),
        ("datasetFields", &said.dataset_fields),
        ("parameters", &said.parameters),
        ("widgetConfig", &said.widget_config),
        ("workflowConfig", &said.workflow_config),
    ];
    let given = parts.into_iter().filter_map(|(name, part)| Some((name.to_owned(), part.clone()?)));
    Value::Object(given.collect::<Map<_, _>>())
}
