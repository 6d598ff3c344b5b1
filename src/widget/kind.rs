//! Registrations as a kind of supervised actors.

use std::{fmt, sync::Arc};

use super::{actor::WidgetActor, door::Hub, messages::WidgetCommand};
use crate::{
    ids::{SocketId, WidgetId},
    supervise::{Kind, Life},
};

/// Names a registration: a page may call a widget what it likes, so only the socket makes it unique.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegistrationId {
    /// Of which socket.
    pub socket: SocketId,
    /// What the page calls it.
    pub widget: WidgetId,
}

impl RegistrationId {
    /// Reads what `Display` writes: `SOCKET:WIDGET`.
    pub fn parse(text: &str) -> Option<Self> {
        let (socket, widget) = text.split_once(':')?;
        Some(Self { socket: SocketId::parse(socket).ok()?, widget: WidgetId::parse(widget).ok()? })
    }
}

impl fmt::Display for RegistrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.socket, self.widget)
    }
}

/// Registrations.
pub struct WidgetKind {
    pub(super) hub: Arc<Hub>,
}

impl Kind for WidgetKind {
    const NAME: &'static str = "widget";
    type Id = RegistrationId;
    type Command = WidgetCommand;
    type Child = WidgetActor;

    fn build(&self, life: Life<Self>) -> WidgetActor {
        WidgetActor::new(Arc::clone(&self.hub), life)
    }
}
