//! Rooms as a kind of supervised actors.

use std::sync::Arc;

use super::shell::RoomActor;
use crate::{
    chat::{commands::RoomCommand, hub::Hub},
    ids::ChatRoomId,
    supervise::{Kind, Life},
};

/// Rooms.
pub struct RoomKind {
    pub(in crate::chat) hub: Arc<Hub>,
}

impl Kind for RoomKind {
    const NAME: &'static str = "room";
    type Id = ChatRoomId;
    type Command = RoomCommand;
    type Child = RoomActor;

    fn build(&self, life: Life<Self>) -> RoomActor {
        RoomActor::new(Arc::clone(&self.hub), life)
    }
}
