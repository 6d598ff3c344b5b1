//! Who is let in (`contract.md` 1.2, 1.3, 3.13).

use std::rc::Rc;

use serde_json::Value;
use url::form_urlencoded;

use super::hub::{Inner, MAIN, MONITOR, Seat};
use crate::{
    auth::Credentials,
    session::{Connect, ConnectRefused},
};

/// Verifies the credential of a CONNECT.
pub(super) async fn admit(router: &Inner, connect: Connect) -> Result<Rc<Seat>, ConnectRefused> {
    let is_monitor = match connect.namespace.as_str() {
        MAIN => false,
        MONITOR => true,
        _ => return Err(ConnectRefused::invalid_namespace()),
    };
    let peer = &connect.peer;
    let query: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(&peer.query).finish();
    let header = |name: &str| match name {
        "authorization" => peer.authorization.as_deref(),
        "x-api-key" => peer.api_key.as_deref(),
        _ => None,
    };
    let auth = Value::Object(connect.auth);
    let credentials = Credentials::from_handshake(Some(&auth), header, &query);
    let verified_at = router.auth.revoked();
    let identity = router.auth.verify(credentials).await.map_err(|error| ConnectRefused::from(&error))?;
    if is_monitor {
        // What it may see comes with the lines.
        router.auth.monitor_scope(&identity).await.map_err(|error| ConnectRefused::from(&error))?;
    }
    let (joined, rooms, chats, widgets) = Default::default();
    Ok(Rc::new(Seat { identity, verified_at, joined, rooms, chats, widgets }))
}
