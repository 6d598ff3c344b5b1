//! `widget_workflow_connect`, `widget_refresh`, `widget_workflow_disconnect`.

use std::sync::Arc;

use serde_json::{Value, value::RawValue};

use super::refusal::{Refusal, named, refuse};
use crate::{
    auth::{self, Permission},
    error::Code,
    ids::{RunId, TenantId, WidgetId},
    protocol::{
        events::{
            AckBody, JoinAck, Server, WidgetConnect, WidgetDisconnect, WidgetDisconnected, WidgetMode,
            WidgetRefresh,
        },
        frame::Frame,
        socketio::ack_frame,
    },
    session::router::{
        hub::{From, Held, Inner},
        revoked,
        runs::{self, Watched},
    },
    widget::{AckFrame, By, Connect, Disconnect, Refresh, Target},
};

/// Registers a widget.
pub(in crate::session::router) async fn connect(router: &Inner, from: &From, argument: &RawValue) {
    let connect = match WidgetConnect::parse(argument) {
        Ok(connect) => connect,
        Err(error) => return refuse(from, Code::ConnectionFailed, named(argument), &error),
    };
    let widget = connect.widget_id.clone();
    if let Err(refusal) = try_connect(router, from, connect).await {
        refuse(from, Code::ConnectionFailed, Some(widget), &refusal);
    }
}

async fn try_connect(router: &Inner, from: &From, connect: WidgetConnect) -> Result<(), Refusal> {
    let revoked = router.auth.revoked();
    let widget = connect.widget_id.clone();
    let (target, watched) = target(router, from, &connect).await?;
    router.rates.take(&watched.tenant).map_err(Refusal::TooFast)?;
    {
        let widgets = from.seat.widgets.borrow();
        if widgets.len() >= router.max_joins && !widgets.contains_key(&widget) {
            return Err(Refusal::TooMany(router.max_joins));
        }
    }
    let said = [
        connect.widget_type.as_ref(),
        connect.dataset_fields.as_ref(),
        connect.parameters.as_ref(),
        connect.widget_config.as_ref(),
        connect.workflow_config.as_ref(),
    ];
    check_size(router, "the widget", said)?;
    let connect = Connect {
        member: from.socket.member().clone(),
        tenant: watched.tenant.clone(),
        target,
        said: Box::new(connect),
        by: by(from),
        ack: ack(from),
    };
    let connected = router.widgets.connect(&widget, connect).await?;
    if connected.once {
        from.seat.widgets.borrow_mut().remove(&widget);
        return Ok(());
    }
    held(router, from, widget, connected.run, watched, revoked).await;
    Ok(())
}

/// What is wanted of which run, and what it takes to be told of it.
async fn target(router: &Inner, from: &From, connect: &WidgetConnect) -> Result<(Target, Watched), Refusal> {
    if connect.mode == WidgetMode::Execute {
        let workflow = connect.workflow_id.clone().ok_or(Refusal::WorkflowNotFound)?;
        let tenant = match &connect.tenant_id {
            Some(tenant) => tenant.clone(),
            None => router.runs.tenant_of(&workflow).await?.ok_or(Refusal::WorkflowNotFound)?,
        };
        let watched = may_execute(router, from, &tenant, Refusal::WorkflowNotFound).await?;
        return Ok((Target::Execute(workflow), watched));
    }
    let id = connect.instance_id.as_ref().ok_or(Refusal::RunNotFound)?;
    let run = router.runs.locate(id).await?.ok_or(Refusal::RunNotFound)?;
    if connect.tenant_id.as_ref().is_some_and(|tenant| *tenant != run.run.tenant_id) {
        return Err(Refusal::RunNotFound);
    }
    let watched = Watched::of(&run, &from.seat);
    runs::authorize(router, &from.seat, &watched).await?;
    let run = Box::new(run.run);
    let is_replay = connect.mode == WidgetMode::Replay;
    Ok((if is_replay { Target::Replay(run) } else { Target::Subscribe(run) }, watched))
}

/// `tenant:workflow:execute`; who has no business there is told what a missing subject is told.
pub(super) async fn may_execute(
    router: &Inner,
    from: &From,
    tenant: &TenantId,
    missing: Refusal,
) -> Result<Watched, Refusal> {
    let watched = Watched::by(tenant, Permission::WorkflowExecute);
    match router.auth.permissions(&from.seat.identity, tenant).await {
        Ok(permissions) if watched.is_allowed(permissions) => Ok(watched),
        Ok(_) | Err(auth::Error::Denied) => Err(Refusal::Denied("run this workflow")),
        Err(auth::Error::NotAMember) => Err(missing),
        Err(error) => Err(Refusal::Auth(error)),
    }
}

/// The socket has the registration now.
async fn held(router: &Inner, from: &From, widget: WidgetId, run: RunId, watched: Watched, revoked: u64) {
    from.seat.widgets.borrow_mut().insert(widget, Held { run, watched });
    if router.auth.revoked() != revoked {
        // The right may have been taken while it was registered.
        revoked::look_at(router, &from.socket, &from.seat).await;
    }
}

pub(super) fn check_size<'a>(
    router: &Inner,
    what: &'static str,
    parts: impl IntoIterator<Item = Option<&'a Value>>,
) -> Result<(), Refusal> {
    let bytes: usize = parts.into_iter().flatten().map(|part| part.to_string().len()).sum();
    let most = router.max_inputs;
    if bytes > most { Err(Refusal::TooLarge { what, bytes, most }) } else { Ok(()) }
}

fn by(from: &From) -> By {
    let identity = &from.seat.identity;
    By { user: identity.user.clone(), api_key: identity.api_key().cloned() }
}

/// The ack of a connect or refresh goes the way of the frames that follow it.
fn ack(from: &From) -> Option<AckFrame> {
    let id = from.ack?;
    let namespace = from.socket.namespace().to_owned();
    Some(Arc::new(move |body: &JoinAck| ack_frame(&namespace, id, body).ok()))
}

/// Runs a widget's workflow again.
pub(in crate::session::router) async fn refresh(router: &Inner, from: &From, argument: &RawValue) {
    let refresh = match WidgetRefresh::parse(argument) {
        Ok(refresh) => refresh,
        Err(error) => return refuse(from, Code::RefreshFailed, named(argument), &error),
    };
    let widget = refresh.widget_id.clone();
    if let Err(refusal) = try_refresh(router, from, refresh).await {
        refuse(from, Code::RefreshFailed, Some(widget), &refusal);
    }
}

async fn try_refresh(router: &Inner, from: &From, refresh: WidgetRefresh) -> Result<(), Refusal> {
    let revoked = router.auth.revoked();
    let tenant = {
        let widgets = from.seat.widgets.borrow();
        let held = widgets.get(&refresh.widget_id).ok_or(Refusal::NotConnected)?;
        held.watched.tenant.clone()
    };
    if refresh.tenant_id.is_some_and(|given| given != tenant) {
        return Err(Refusal::WorkflowNotFound);
    }
    let watched = may_execute(router, from, &tenant, Refusal::WorkflowNotFound).await?;
    router.rates.take(&tenant).map_err(Refusal::TooFast)?;
    let member = from.socket.member().clone();
    let again = Refresh { member, inputs: refresh.inputs, by: by(from), ack: ack(from) };
    let connected = router.widgets.refresh(&refresh.widget_id, again).await?;
    held(router, from, refresh.widget_id, connected.run, watched, revoked).await;
    Ok(())
}

/// Registers a widget no more.
pub(in crate::session::router) async fn disconnect(router: &Inner, from: &From, argument: &RawValue) {
    let widget = match WidgetDisconnect::parse(argument) {
        Ok(disconnect) => disconnect.widget_id,
        Err(error) => return refuse(from, Code::ConnectionFailed, None, &error),
    };
    let body = WidgetDisconnected { widget_id: widget.clone(), success: true };
    // Behind all that the registration was told: through its membership's channel.
    let namespace = from.socket.namespace();
    let acked = from.ack.and_then(|id| ack_frame(namespace, id, &AckBody::DONE).ok());
    let event = Frame::event(namespace, Server::WidgetDisconnected.as_str(), &body).ok();
    let last: Vec<Frame> = acked.into_iter().chain(event).collect();
    let member = from.socket.member().clone();
    if !from.seat.widgets.borrow().contains_key(&widget) {
        // Nothing is registered, and that is what was wanted. What an earlier registration was told may
        // still be on its way, so this goes the same way.
        return router.widgets.tell(&member, last);
    }
    match router.widgets.disconnect(&widget, Disconnect { member, last }).await {
        Ok(()) => {
            from.seat.widgets.borrow_mut().remove(&widget);
        }
        Err(error) => refuse(from, Code::ConnectionFailed, Some(widget), &error),
    }
}
