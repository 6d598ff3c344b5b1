//! What every room needs of its hub.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;

use super::{Assistants, Hands, commands::Wake, places::Places, room};
use crate::{
    clock::Clock,
    config::sections,
    delivery::{Member, Shards, Subject},
    ids::{ChatRoomId, SocketId, StreamId, TenantId, UserId},
    store::Store,
    supervise::Timers,
};

/// What [`Rooms`](super::Rooms) is made of.
pub struct Parts {
    /// The store.
    pub store: Store,
    /// Where sockets are reached.
    pub shards: Shards,
    /// The clock.
    pub clock: Clock,
    /// Who answers.
    pub assistants: Arc<dyn Assistants>,
    /// What carries things out.
    pub hands: Arc<dyn Hands>,
    /// `[ai]`.
    pub ai: sections::Ai,
    /// `[chat]`.
    pub chat: sections::Chat,
    /// `[retention]`.
    pub retention: sections::Retention,
    /// Bytes of a message: `limits.chat_text`.
    pub max_text: usize,
    /// `[supervise]`.
    pub supervise: sections::Supervise,
}

/// Shared by all rooms.
pub(super) struct Hub {
    pub(super) store: Store,
    pub(super) shards: Shards,
    pub(super) clock: Clock,
    pub(super) assistants: Arc<dyn Assistants>,
    pub(super) hands: Arc<dyn Hands>,
    pub(super) timers: Timers<Wake>,
    pub(super) places: Places,
    pub(super) limits: Arc<room::Limits>,
    pub(super) turn_timeout: Duration,
    pub(super) chat: sections::Chat,
    pub(super) retention: Duration,
    pub(super) deadline: Duration,
    pub(super) seats: Seats,
    /// People who are about to enter without naming a room; those who do so at one time share it.
    pub(super) entering: Mutex<HashMap<(TenantId, UserId), Entering>>,
}

/// Held while a person enters; what was made meanwhile.
pub(super) type Entering = Arc<tokio::sync::Mutex<Option<ChatRoomId>>>;

impl Hub {
    pub(super) fn new(parts: Parts, timers: Timers<Wake>) -> Self {
        Self {
            limits: Arc::new(room::Limits::new(&parts.ai, &parts.chat, parts.max_text)),
            places: Places::new(parts.ai.concurrent),
            turn_timeout: *parts.ai.turn_timeout,
            retention: *parts.retention.chat,
            deadline: *parts.supervise.command_deadline,
            store: parts.store,
            shards: parts.shards,
            clock: parts.clock,
            assistants: parts.assistants,
            hands: parts.hands,
            timers,
            chat: parts.chat,
            seats: Seats::default(),
            entering: Mutex::default(),
        }
    }

    /// Ends the memberships of a user's sockets in a room, or of all.
    pub(super) fn expel(&self, room: &ChatRoomId, user: Option<&UserId>) {
        for member in self.seats.expel(room, user) {
            self.shards.remove_member(&subject(room), &member);
        }
    }
}

/// Where a room is watched.
pub(super) fn subject(room: &ChatRoomId) -> Subject {
    StreamId::of_room(room)
}

/// Whose sockets are in which room: for those who are let out.
#[derive(Default)]
pub(super) struct Seats(Mutex<Taken>);

#[derive(Default)]
struct Taken {
    rooms: HashMap<ChatRoomId, HashMap<SocketId, (UserId, Member)>>,
    sockets: HashMap<SocketId, Vec<ChatRoomId>>,
}

impl Seats {
    pub(super) fn enter(&self, room: &ChatRoomId, user: &UserId, member: &Member) {
        let mut taken = self.0.lock();
        let socket = member.socket().clone();
        let seat = (user.clone(), member.clone());
        let before = taken.rooms.entry(room.clone()).or_default().insert(socket.clone(), seat);
        if before.is_none() {
            taken.sockets.entry(socket).or_default().push(room.clone());
        }
    }

    pub(super) fn leave(&self, room: &ChatRoomId, socket: &SocketId) {
        self.0.lock().leave(room, socket);
    }

    pub(super) fn gone(&self, socket: &SocketId) {
        let mut taken = self.0.lock();
        for room in taken.sockets.get(socket).cloned().unwrap_or_default() {
            taken.leave(&room, socket);
        }
    }

    fn expel(&self, room: &ChatRoomId, user: Option<&UserId>) -> Vec<Member> {
        let mut taken = self.0.lock();
        let Some(seats) = taken.rooms.get(room) else { return Vec::new() };
        let theirs = seats.values().filter(|(who, _)| user.is_none_or(|user| who == user));
        let members: Vec<Member> = theirs.map(|(_, member)| member.clone()).collect();
        for member in &members {
            taken.leave(room, member.socket());
        }
        members
    }
}

impl Taken {
    fn leave(&mut self, room: &ChatRoomId, socket: &SocketId) {
        if let Some(seats) = self.rooms.get_mut(room) {
            seats.remove(socket);
            if seats.is_empty() {
                self.rooms.remove(room);
            }
        }
        if let Some(rooms) = self.sockets.get_mut(socket) {
            rooms.retain(|other| other != room);
            if rooms.is_empty() {
                self.sockets.remove(socket);
            }
        }
    }
}
