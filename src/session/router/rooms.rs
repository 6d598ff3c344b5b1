//! `join_room` and `leave_room` (`contract.md` 2.9). A refusal is told by the ack alone.

use serde_json::value::RawValue;

use super::{
    hub::{From, Inner, Seat},
    revoked,
};
use crate::{
    auth::{self, Permission, Permissions},
    error::{Code, Coded},
    ids::TenantId,
    listener::{self, Found, Room},
    protocol::events::{self, AckBody, RoomName},
};

/// Why a room is not entered or left.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Payload(#[from] events::Error),
    #[error("this is no name of a room")]
    NoRoom,
    /// Missing, or of a tenant that is none of the caller's business: the same words for both.
    #[error("no such room")]
    NotFound,
    #[error("you may not enter this room")]
    Denied,
    #[error("a socket is in at most {0} rooms at once (limits.joins)")]
    TooMany(usize),
    #[error("too many events of this tenant (limits.client_events_per_tenant): try again in {0} ms")]
    TooFast(u64),
    #[error(transparent)]
    Auth(auth::Error),
    #[error(transparent)]
    Listener(#[from] listener::Error),
}

impl Coded for Refusal {
    fn code(&self) -> Code {
        match self {
            Refusal::Payload(error) => error.code(),
            Refusal::NoRoom => Code::InvalidRequest,
            Refusal::NotFound => Code::RoomNotFound,
            Refusal::Denied => Code::PermissionDenied,
            Refusal::TooMany(_) | Refusal::TooFast(_) => Code::RateLimited,
            Refusal::Auth(error) => error.code(),
            Refusal::Listener(error) => error.code(),
        }
    }
}

/// What it takes to stay in a room.
#[derive(Clone)]
pub(super) struct Entered {
    pub(super) tenant: TenantId,
    of_listener: bool,
}

impl Entered {
    fn of(found: Found) -> Self {
        Self { tenant: found.tenant, of_listener: found.of_listener }
    }

    /// `tenant:listener:read` for the room of a listener; a tenant's is open to its members.
    pub(super) fn is_allowed(&self, permissions: Permissions) -> bool {
        !self.of_listener || permissions.contains(Permission::ListenerRead)
    }
}

/// Enters a room.
pub(super) async fn join(router: &Inner, from: &From, argument: &RawValue) {
    match try_join(router, from, argument).await {
        Ok(()) => from.acknowledge(&AckBody::DONE),
        Err(refusal) => refuse(from, &refusal),
    }
}

async fn try_join(router: &Inner, from: &From, argument: &RawValue) -> Result<(), Refusal> {
    let room = Room::parse(&RoomName::parse(argument)?.0).ok_or(Refusal::NoRoom)?;
    let revoked = router.auth.revoked();
    let found = router.listeners.find(&room).await?.ok_or(Refusal::NotFound)?;
    let entered = Entered::of(found);
    authorize(router, &from.seat, &entered).await?;
    router.rates.take(&entered.tenant).map_err(Refusal::TooFast)?;
    let full = {
        let rooms = from.seat.rooms.borrow();
        rooms.len() >= router.max_joins && !rooms.contains_key(&room)
    };
    if full {
        return Err(Refusal::TooMany(router.max_joins));
    }
    router.listeners.enter(&room, from.socket.member());
    from.seat.rooms.borrow_mut().insert(room, entered);
    if router.auth.revoked() != revoked {
        // The right may have been taken while it was entered.
        revoked::look_at(router, &from.socket, &from.seat).await;
    }
    Ok(())
}

async fn authorize(router: &Inner, seat: &Seat, entered: &Entered) -> Result<(), Refusal> {
    match router.auth.permissions(&seat.identity, &entered.tenant).await {
        Ok(permissions) if entered.is_allowed(permissions) => Ok(()),
        Ok(_) | Err(auth::Error::Denied) => Err(Refusal::Denied),
        Err(auth::Error::NotAMember) => Err(Refusal::NotFound),
        Err(error) => Err(Refusal::Auth(error)),
    }
}

/// Leaves a room; one that it is not in is left already.
pub(super) fn leave(router: &Inner, from: &From, argument: &RawValue) {
    let room = RoomName::parse(argument)
        .map_err(Refusal::Payload)
        .and_then(|name| Room::parse(&name.0).ok_or(Refusal::NoRoom));
    match room {
        Ok(room) => {
            if from.seat.rooms.borrow_mut().remove(&room).is_some() {
                router.listeners.leave(&room, from.socket.member());
            }
            from.acknowledge(&AckBody::DONE);
        }
        Err(refusal) => refuse(from, &refusal),
    }
}

fn refuse(from: &From, refusal: &Refusal) {
    log::info!(socket:% = from.socket.id(), code = refusal.code().as_str(); "a room was not entered: {refusal}");
    from.refuse(refusal);
}
