//! The door to rooms.

use std::sync::Arc;

use parking_lot::Mutex;

use super::{Error, Found, Publication, Published, Room, Target};
use crate::{
    clock::Clock,
    delivery::{AddMember, Member, Publish, Shards, Subject},
    ids::{ListenerId, Seq, StreamId},
    protocol::{
        events::{ListenerEvent, ListenerTestEvent, Server},
        frame::Frame,
    },
    store::{Store, tables::listeners},
};

/// Namespace of the rooms.
const NAMESPACE: &str = "/";

/// Rooms and what is published to them. Cheap to clone; any thread.
#[derive(Clone)]
pub struct Listeners {
    store: Store,
    shards: Shards,
    clock: Clock,
    /// The place of the last event. These rooms have no rows: a count over all of them keeps their
    /// order. Held while one is sent, because a member skips what has a lower place than its last.
    last: Arc<Mutex<Seq>>,
}

impl Listeners {
    /// Over the members of all workers.
    pub fn new(store: Store, shards: Shards, clock: Clock) -> Self {
        Self { store, shards, clock, last: Arc::default() }
    }

    /// Whose a room is; none when there is no such listener. Whether somebody may enter is the caller's
    /// to check, who answers a foreign room as a missing one.
    pub async fn find(&self, room: &Room) -> Result<Option<Found>, Error> {
        let id = match room {
            Room::Tenant(tenant) => return Ok(Some(Found { tenant: tenant.clone(), of_listener: false })),
            Room::Test(id) | Room::Listener(id) => id.clone(),
        };
        let tenant = self.store.read(move |db| listeners::tenant_of(db, &id)).await?;
        Ok(tenant.map(|tenant| Found { tenant, of_listener: true }))
    }

    /// Makes a socket a member. A second time changes nothing.
    pub fn enter(&self, room: &Room, member: &Member) {
        self.shards.add_member(AddMember::join(room.subject(), member.clone(), Seq::ZERO));
    }

    /// Ends a membership.
    pub fn leave(&self, room: &Room, member: &Member) {
        self.shards.remove_member(&room.subject(), member);
    }

    /// Forwards an event to who is there, as soon as no worker is behind.
    pub async fn publish(&self, event: Publication) -> Result<Published, Error> {
        let now = self.clock.now().as_millisecond();
        let subject = match &event.target {
            Target::Test => Room::Test(event.listener.clone()).subject(),
            Target::Listener => Room::Listener(event.listener.clone()).subject(),
            Target::Tenant => Room::Tenant(event.tenant.clone()).subject(),
            Target::Widget(widget) => StreamId::of_widget(&event.tenant, widget),
        };
        let frame = if event.target == Target::Test {
            let body = ListenerTestEvent {
                listener_id: event.listener,
                raw_event: event.raw_event.unwrap_or_else(|| event.data.clone()),
                transformed_event: event.data,
                transform_error: event.transform_error,
                timestamp: now,
            };
            Frame::event(NAMESPACE, Server::ListenerTest.as_str(), &body)
        } else {
            let body = ListenerEvent {
                channel_name: event.channel.unwrap_or_else(|| format!("listener:{}", event.listener)),
                data: event.data,
                mode: event.mode.unwrap_or_else(|| "replace".to_owned()),
                timestamp: now,
            };
            Frame::event(NAMESPACE, Server::Listener.as_str(), &body)
        };
        let frame = frame.map_err(|error| Error::Encoding(error.to_string()))?;
        self.shards.caught_up().await;
        let delivered = self.shards.members(&subject);
        self.send(subject, Some(frame));
        Ok(Published { delivered })
    }

    /// A listener was removed: nobody is in its rooms any more.
    pub fn gone(&self, listener: &ListenerId) {
        for room in [Room::Test(listener.clone()), Room::Listener(listener.clone())] {
            self.send(room.subject(), None);
        }
    }

    /// One event, or the end of a room.
    fn send(&self, subject: Subject, frame: Option<Frame>) {
        let mut last = self.last.lock();
        *last = last.next();
        let terminal = frame.is_none();
        self.shards.publish(Publish {
            subject,
            seq: *last,
            frame,
            progress_frame: None,
            row: None,
            tail: None,
            terminal,
        });
    }
}
