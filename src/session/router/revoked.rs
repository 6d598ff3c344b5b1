//! What is taken from somebody ends on the sockets that are connected (`faults.md` A9): a user or key
//! that is refused now is disconnected, runs and rooms that it may watch no more are left and the socket stays.

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
    time::Duration,
};

use tokio::sync::broadcast::error::RecvError;

use super::{
    chat::Chatting,
    hub::{Inner, MONITOR, Seat},
    runs::Watched,
};
use crate::{
    auth::{self, Concerned, Proof},
    ids::TenantId,
    session::Socket,
    widget::Disconnect,
};

/// How often the tables are asked, while they cannot be read; then the socket is ended.
const TRIES: usize = 20;
const PAUSE: Duration = Duration::from_millis(200);

/// Looks at the sockets of this worker whenever something was taken, for as long as the router lives.
pub(super) fn watch(router: &Rc<Inner>) {
    let mut revocations = router.auth.revocations();
    let router = Rc::downgrade(router);
    actix_rt::spawn(async move {
        loop {
            let heard = revocations.recv().await;
            let Some(router) = router.upgrade() else { return };
            match heard {
                Ok(concerned) => look(&router, Some(&concerned)).await,
                Err(RecvError::Lagged(missed)) => {
                    log::warn!(missed; "changes of accounts came too fast: all sockets are looked at again");
                    look(&router, None).await;
                }
                Err(RecvError::Closed) => return,
            }
        }
    });
}

/// A socket has connected; what was taken while its credential was verified nobody else has looked at.
pub(super) fn arrived(router: &Rc<Inner>, socket: &Socket) {
    let Some(seat) = socket.data::<Rc<Seat>>().cloned() else { return };
    if router.auth.revoked() != seat.verified_at {
        let (router, socket) = (Rc::clone(router), socket.clone());
        actix_rt::spawn(async move { look_at(&router, &socket, &seat).await });
    }
}

/// The sockets that a change concerns; all without one.
async fn look(router: &Inner, concerned: Option<&Concerned>) {
    let sockets: Vec<(Socket, Rc<Seat>)> = {
        let sockets = router.sockets.borrow();
        let seated = sockets.values().filter_map(|socket| Some((socket, socket.data::<Rc<Seat>>()?)));
        let touched = seated.filter(|(_, seat)| concerned.is_none_or(|change| touches(change, seat)));
        touched.map(|(socket, seat)| (socket.clone(), Rc::clone(seat))).collect()
    };
    if sockets.is_empty() {
        return;
    }
    // Nobody of a closed tenant needs to be asked for by name.
    if let Some(Concerned::Tenant(tenant)) = concerned
        && let Ok(false) = router.auth.is_open(tenant).await
    {
        for (socket, seat) in &sockets {
            leave(router, socket, seat, tenant, None);
        }
    }
    for (socket, seat) in &sockets {
        look_at(router, socket, seat).await;
    }
}

fn touches(concerned: &Concerned, seat: &Seat) -> bool {
    match concerned {
        Concerned::User(user) => seat.identity.user.as_ref() == Some(user),
        Concerned::Key(key) => matches!(&seat.identity.proof, Proof::ApiKey { id, .. } if id == key),
        Concerned::Tenant(tenant) => tenants(seat).contains(tenant),
    }
}

/// Ends what this socket has no right to any more.
pub(super) async fn look_at(router: &Inner, socket: &Socket, seat: &Seat) {
    for _ in 0..TRIES {
        match check(router, socket, seat).await {
            Ok(()) => return,
            Err(auth::Error::Unavailable | auth::Error::Internal) => tokio::time::sleep(PAUSE).await,
            Err(refused) => {
                log::info!(socket:% = socket.id(), reason = refused.reason(); "a socket is refused from now on");
                return socket.disconnect();
            }
        }
    }
    log::warn!(socket:% = socket.id(); "the rights of a socket cannot be read: it is ended");
    socket.disconnect();
}

async fn check(router: &Inner, socket: &Socket, seat: &Seat) -> Result<(), auth::Error> {
    let identity = router.auth.again(&seat.identity).await?;
    if socket.namespace() == MONITOR {
        router.auth.monitor_scope(&identity).await?;
    }
    let mut tenants: HashMap<TenantId, Option<auth::Permissions>> =
        tenants(seat).into_iter().map(|tenant| (tenant, None)).collect();
    for (tenant, permissions) in &mut tenants {
        *permissions = match router.auth.permissions(&identity, tenant).await {
            Ok(permissions) => Some(permissions),
            Err(auth::Error::NotAMember | auth::Error::Denied) => None,
            Err(error) => return Err(error),
        };
    }
    for (tenant, permissions) in &tenants {
        leave(router, socket, seat, tenant, *permissions);
    }
    Ok(())
}

/// Whose runs it watches, by itself or by its widgets, and whose rooms it is in.
fn tenants(seat: &Seat) -> HashSet<TenantId> {
    let (joined, widgets) = (seat.joined.borrow(), seat.widgets.borrow());
    let watched = joined.values().chain(widgets.values().map(|held| &held.watched));
    let mut tenants: HashSet<TenantId> = watched.map(|watched| watched.tenant.clone()).collect();
    tenants.extend(seat.rooms.borrow().values().map(|entered| entered.tenant.clone()));
    tenants.extend(seat.chats.borrow().values().map(|chat| chat.tenant.clone()));
    tenants
}

/// Leaves the runs, widgets and rooms of a tenant that these permissions do not allow; all without any.
fn leave(
    router: &Inner,
    socket: &Socket,
    seat: &Seat,
    tenant: &TenantId,
    permissions: Option<auth::Permissions>,
) {
    let stays = |watched: &Watched| {
        watched.tenant != *tenant || permissions.is_some_and(|permissions| watched.is_allowed(permissions))
    };
    seat.widgets.borrow_mut().retain(|widget, held| {
        let stays = stays(&held.watched);
        if !stays {
            let (widgets, widget) = (router.widgets.clone(), widget.clone());
            let disconnect = Disconnect { member: socket.member().clone(), last: Vec::new() };
            actix_rt::spawn(async move {
                if let Err(error) = widgets.disconnect(&widget, disconnect).await {
                    log::warn!(widget:%; "a widget whose right is gone cannot be disconnected: {error}");
                }
            });
        }
        stays
    });
    seat.joined.borrow_mut().retain(|run, watched| {
        let stays = stays(watched);
        if !stays {
            router.runs.leave(run, socket.member());
        }
        stays
    });
    seat.rooms.borrow_mut().retain(|room, entered| {
        let stays = entered.tenant != *tenant
            || permissions.is_some_and(|permissions| entered.is_allowed(permissions));
        if !stays {
            router.listeners.leave(room, socket.member());
        }
        stays
    });
    seat.chats.borrow_mut().retain(|room, chat| {
        let stays = chat.tenant != *tenant || permissions.is_some_and(Chatting::is_allowed);
        if !stays {
            router.chats.leave(room, socket.member());
        }
        stays
    });
}
