//! `workflow_run_join` and `workflow_run_leave` (`contract.md` 2.4).

use std::sync::Arc;

use serde_json::value::RawValue;

use super::{
    hub::{From, Inner, Seat},
    revoked,
};
use crate::{
    auth::{self, Permission, Permissions},
    error::{Code, Coded},
    ids::{RunId, TenantId},
    protocol::{
        events::{self, AckBody, JoinAck, RunError, RunJoin, RunLeave, Server},
        socketio::ack_frame,
    },
    workflow::{self, AckFrame, Join, Located},
};

/// Why a join or leave is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error(transparent)]
    Payload(#[from] events::Error),
    /// Missing, or of a tenant that is none of the caller's business: the same words for both.
    #[error("no such run")]
    NotFound,
    #[error("you may not watch this run")]
    Denied,
    #[error("a socket watches at most {0} runs at once (limits.joins)")]
    TooMany(usize),
    #[error("too many events of this tenant (limits.client_events_per_tenant): try again in {0} ms")]
    TooFast(u64),
    #[error(transparent)]
    Auth(auth::Error),
    #[error(transparent)]
    Workflow(#[from] workflow::Error),
}

impl Coded for Refusal {
    fn code(&self) -> Code {
        match self {
            Refusal::Payload(error) => error.code(),
            Refusal::NotFound => Code::RunNotFound,
            Refusal::Denied => Code::PermissionDenied,
            Refusal::TooMany(_) | Refusal::TooFast(_) => Code::RateLimited,
            Refusal::Auth(error) => error.code(),
            Refusal::Workflow(error) => error.code(),
        }
    }
}

/// Watches a run.
pub(super) async fn join(router: &Inner, from: &From, argument: &RawValue) {
    let parsed = RunJoin::parse(argument);
    // A join that cannot be read may still name its run: pages look for it.
    let named = || RunLeave::parse(argument).ok().map(|leave| leave.run_id);
    let run = parsed.as_ref().ok().map(|join| join.run_id.clone()).or_else(named);
    let refusal = match parsed {
        Ok(join) => match try_join(router, from, join).await {
            Ok(()) => return,
            Err(refusal) => refusal,
        },
        Err(error) => Refusal::Payload(error),
    };
    if matches!(refusal, Refusal::Workflow(workflow::Error::Gone)) {
        return;
    }
    refuse(from, run.as_ref(), &refusal);
}

async fn try_join(router: &Inner, from: &From, join: RunJoin) -> Result<(), Refusal> {
    let id = join.run_id;
    let run = router.runs.locate(&id).await?.ok_or(Refusal::NotFound)?;
    if join.tenant_id.is_some_and(|tenant| tenant != run.run.tenant_id) {
        return Err(Refusal::NotFound);
    }
    let revoked = router.auth.revoked();
    let watched = Watched::of(&run, &from.seat);
    authorize(router, &from.seat, &watched).await?;
    router.rates.take(&run.run.tenant_id).map_err(Refusal::TooFast)?;
    let again = from.seat.joined.borrow().contains_key(&id);
    let ended = run.run.status.is_terminal();
    if !again && !ended {
        make_room(router, &from.seat).await?;
    }
    let ack: Option<AckFrame> = from.ack.map(|ack| {
        let namespace = from.socket.namespace().to_owned();
        let frame = move |body: &JoinAck| ack_frame(&namespace, ack, body).ok();
        Arc::new(frame) as AckFrame
    });
    let member = from.socket.member().clone();
    router.runs.join(Join { run, member, since: join.since, progress: join.progress, again, ack }).await?;
    // One that has ended is remembered while there is room, so that it is not told twice.
    let has_room = from.seat.joined.borrow().len() < router.max_joins;
    if !ended || has_room {
        from.seat.joined.borrow_mut().insert(id, watched);
    }
    if router.auth.revoked() != revoked {
        // The right may have been taken while it was joined.
        revoked::look_at(router, &from.socket, &from.seat).await;
    }
    Ok(())
}

/// What it takes to watch a run.
#[derive(Clone)]
pub(super) struct Watched {
    pub(super) tenant: TenantId,
    /// Beside being a member. None: it is the starter of a test run.
    needs: Option<Permission>,
}

impl Watched {
    /// `tenant:workflow:read` in the run's tenant; of a test run its starter has the right, others need
    /// `tenant:workflow:test`.
    pub(super) fn of(located: &Located, seat: &Seat) -> Self {
        let run = &located.run;
        let user = seat.identity.user.as_ref();
        let is_starter = user.is_some() && user == run.starter_user_id.as_ref();
        let needs = match (run.is_test, is_starter) {
            (false, _) => Some(Permission::WorkflowRead),
            (true, false) => Some(Permission::WorkflowTest),
            (true, true) => None,
        };
        Self { tenant: run.tenant_id.clone(), needs }
    }

    /// Of a widget whose run its socket started.
    pub(super) fn by(tenant: &TenantId, needs: Permission) -> Self {
        Self { tenant: tenant.clone(), needs: Some(needs) }
    }

    pub(super) fn is_allowed(&self, permissions: Permissions) -> bool {
        self.needs.is_none_or(|needed| permissions.contains(needed))
    }
}

/// The right to watch.
pub(super) async fn authorize(router: &Inner, seat: &Seat, watched: &Watched) -> Result<(), Refusal> {
    let permissions = router.auth.permissions(&seat.identity, &watched.tenant).await;
    let permissions = match permissions {
        Ok(permissions) => permissions,
        Err(auth::Error::NotAMember) => return Err(Refusal::NotFound),
        Err(auth::Error::Denied) => return Err(Refusal::Denied),
        Err(error) => return Err(Refusal::Auth(error)),
    };
    if watched.is_allowed(permissions) { Ok(()) } else { Err(Refusal::Denied) }
}

/// At the limit, runs that have ended are forgotten first.
async fn make_room(router: &Inner, seat: &Seat) -> Result<(), Refusal> {
    if seat.joined.borrow().len() < router.max_joins {
        return Ok(());
    }
    let joined: Vec<RunId> = seat.joined.borrow().keys().cloned().collect();
    for id in joined {
        let ended = match router.runs.locate(&id).await? {
            Some(located) => located.run.status.is_terminal(),
            None => true,
        };
        if ended {
            seat.joined.borrow_mut().remove(&id);
        }
    }
    let room = seat.joined.borrow().len() < router.max_joins;
    if room { Ok(()) } else { Err(Refusal::TooMany(router.max_joins)) }
}

/// Watches a run no more; one that it does not watch is left already.
pub(super) fn leave(router: &Inner, from: &From, argument: &RawValue) {
    match RunLeave::parse(argument) {
        Ok(leave) => {
            if from.seat.joined.borrow_mut().remove(&leave.run_id).is_some() {
                router.runs.leave(&leave.run_id, from.socket.member());
            }
            from.acknowledge(&AckBody::DONE);
        }
        Err(error) => refuse(from, None, &Refusal::Payload(error)),
    }
}

/// The error event, and the ack.
fn refuse(from: &From, run: Option<&RunId>, refusal: &Refusal) {
    from.refuse(refusal);
    from.emit(Server::RunError, &RunError::of(run, refusal));
}
