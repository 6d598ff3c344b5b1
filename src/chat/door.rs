//! The door to rooms.

use std::sync::Arc;

use actix_rt::ArbiterHandle;
use jiff::SignedDuration;
use tokio::sync::oneshot;

use super::{
    Accepted, Asker, Error, Join, Joined, Parts, RoomKind, Say,
    actor::{changed, new_row},
    commands::{Ask, Change, Enter, Reply, RoomCommand, Wake, said},
    hub::{Hub, subject},
    keep,
    room::{self, About, RoomCommand as Decide, RoomMember, RoomState},
};
use crate::{
    delivery::Member,
    ids::{ChatRoomId, Seq, SocketId, TenantId, UserId},
    store::{
        Append, Origin, Page, Projection,
        tables::{ListPage, Listed, chat},
    },
    supervise::{Handle, Limits, Timers},
};

/// Rooms: entered, spoken in, changed, read. Cheap to clone; any thread. That a person may chat in the
/// tenant is asked by the callers; that they are in the room, here.
#[derive(Clone)]
pub struct Rooms {
    pub(super) hub: Arc<Hub>,
    pub(super) registry: Handle<RoomKind>,
}

impl Rooms {
    /// Starts the registry of rooms on `home`, with its children on `arbiters` (at least one), their timers
    /// and the removal of old ones. Call [`Rooms::recover`] next.
    pub fn launch(parts: Parts, home: ArbiterHandle, arbiters: Vec<ArbiterHandle>) -> Self {
        let (timers, task) = Timers::new(parts.store.clone(), parts.clock.clone());
        let (limits, clock) = (Limits::new(&parts.supervise), parts.clock.clone());
        let hub = Arc::new(Hub::new(parts, timers));
        let kind = RoomKind { hub: Arc::clone(&hub) };
        let registry = Handle::start(kind, limits, clock, home.clone(), arbiters);
        let rooms = Self { hub, registry };
        let (sender, load) = (rooms.clone(), rooms.registry.clone());
        home.spawn(async move {
            task.run(|room, wake| sender.wake(&room, wake), || load.open()).await;
        });
        home.spawn(keep::forget_old(rooms.clone()));
        rooms
    }

    /// The registry, for ops: list, inspect, restart.
    pub fn registry(&self) -> &Handle<RoomKind> {
        &self.registry
    }

    /// Whose a room is; the caller answers a foreign one as a missing one.
    pub async fn tenant_of(&self, room: &ChatRoomId) -> Result<Option<TenantId>, Error> {
        let id = room.clone();
        let row = self.hub.store.read(move |db| chat::find(db, &id)).await?;
        Ok(row.map(|row| row.tenant_id))
    }

    /// A socket enters. Its ack and `ai_chat_room_id` are on their way when this ends.
    pub async fn join(&self, join: Join) -> Result<Joined, Error> {
        let Join { tenant, asker, room, current, member, stream, ack } = join;
        let enter = Enter { asker, member, stream, ack };
        match room.or(current) {
            Some(room) => {
                let key = room.clone();
                let row = self.hub.store.read(move |db| chat::find(db, &key)).await?;
                if row.is_none_or(|row| row.tenant_id != tenant) {
                    return Err(Error::NotFound);
                }
                self.enter(room, enter).await
            }
            None => self.enter_any(tenant, enter).await,
        }
    }

    async fn enter(&self, room: ChatRoomId, enter: Enter) -> Result<Joined, Error> {
        self.ask(&room, |reply| Ask::Enter(Box::new(enter), reply)).await
    }

    /// The room in which the person said something last, or a new one. Who comes while another socket of
    /// the same person does so gets the same.
    async fn enter_any(&self, tenant: TenantId, enter: Enter) -> Result<Joined, Error> {
        let user = enter.asker.person.user.clone();
        let key = (tenant.clone(), user.clone());
        let entering = Arc::clone(self.hub.entering.lock().entry(key.clone()).or_default());
        let found = {
            let mut made = entering.lock().await;
            match &*made {
                Some(room) => Ok(room.clone()),
                None => {
                    let found = self.latest_or_new(&tenant, &enter.asker).await;
                    *made = found.as_ref().ok().cloned();
                    found
                }
            }
        };
        {
            let mut all = self.hub.entering.lock();
            // The map and this one: nobody else is on the way.
            if Arc::strong_count(&entering) <= 2 {
                all.remove(&key);
            }
        }
        self.enter(found?, enter).await
    }

    async fn latest_or_new(&self, tenant: &TenantId, asker: &Asker) -> Result<ChatRoomId, Error> {
        let user = asker.person.user.clone();
        let now = self.hub.clock.now();
        let window = SignedDuration::try_from(*self.hub.chat.resume_window).unwrap_or(SignedDuration::MAX);
        let since = now.checked_sub(window).unwrap_or(jiff::Timestamp::MIN);
        let (of, owner) = (tenant.clone(), user.clone());
        let (latest, count) = self
            .hub
            .store
            .read(move |db| {
                // A page that is only looked at, again and again, leaves one room behind, not many.
                let found = match chat::latest(db, &of, &owner, since)? {
                    Some(room) => Some(room),
                    None => chat::blank(db, &of, &owner)?,
                };
                Ok((found, chat::count_of(db, &of, &owner)?))
            })
            .await?;
        if let Some(room) = latest {
            return Ok(room);
        }
        let most = self.hub.chat.rooms_per_user;
        if usize::try_from(count).unwrap_or(usize::MAX) >= most {
            return Err(Error::TooManyRooms(most));
        }
        self.create(tenant, asker).await
    }

    async fn create(&self, tenant: &TenantId, asker: &Asker) -> Result<ChatRoomId, Error> {
        let (room, now) = (ChatRoomId::generate(), self.hub.clock.now());
        let owner = RoomMember::from(&asker.person);
        let about = About { room: room.clone(), tenant: tenant.clone(), owner: owner.clone() };
        let state = RoomState::new(about, Arc::clone(&self.hub.limits));
        let step = room::step(&state, &Decide::Open { title: None }, now)?;
        let new = chat::NewRoom {
            chat_room_id: room.clone(),
            tenant_id: tenant.clone(),
            owner_id: owner.user,
            subject: owner.subject,
            title: None,
            at: now,
        };
        let append = Append {
            stream: subject(&room),
            create: true,
            expected_head: Seq::ZERO,
            owner_version: 1,
            rows: step.rows.iter().map(|(_, event)| new_row(event, now)).collect(),
            projections: vec![Projection::RoomInserted(Box::new(new)), changed(&step.state, now)],
            origin: Origin::Client,
        };
        self.hub.store.journal().append(append).await?;
        Ok(room)
    }

    /// A socket leaves a room; history stays.
    pub fn leave(&self, room: &ChatRoomId, member: &Member) {
        self.hub.seats.leave(room, member.socket());
        self.hub.shards.remove_member(&subject(room), member);
    }

    /// A socket is gone, and its memberships with it.
    pub fn gone(&self, socket: &SocketId) {
        self.hub.seats.gone(socket);
    }

    /// A person says something; it is in the journal when this ends.
    pub async fn say(&self, say: Say) -> Result<Accepted, Error> {
        let (room, saying) = said(say);
        self.ask(&room, |reply| Ask::Say(saying, reply)).await
    }

    /// Stops the answer that is being made; whether one was.
    pub async fn cancel(&self, room: &ChatRoomId, by: Asker) -> Result<bool, Error> {
        self.ask(room, |reply| Ask::Cancel(by, reply)).await
    }

    /// Lets somebody in.
    pub async fn invite(&self, room: &ChatRoomId, by: Asker, member: RoomMember) -> Result<(), Error> {
        self.ask(room, |reply| Ask::Change(by, Change::Add(member), reply)).await
    }

    /// Lets somebody out; their sockets leave.
    pub async fn remove_member(&self, room: &ChatRoomId, by: Asker, user: UserId) -> Result<(), Error> {
        self.ask(room, |reply| Ask::Change(by, Change::Remove(user), reply)).await
    }

    /// Calls a room otherwise.
    pub async fn rename(&self, room: &ChatRoomId, by: Asker, title: String) -> Result<(), Error> {
        self.ask(room, |reply| Ask::Change(by, Change::Rename(title), reply)).await
    }

    /// Puts a room away, or takes it back.
    pub async fn archive(&self, room: &ChatRoomId, by: Asker, archived: bool) -> Result<(), Error> {
        self.ask(room, |reply| Ask::Change(by, Change::Archive(archived), reply)).await
    }

    /// Removes a room with its journal.
    pub async fn delete(&self, room: &ChatRoomId, by: Asker) -> Result<(), Error> {
        self.ask(room, |reply| Ask::Delete(by, reply)).await
    }

    /// Rooms of a user; no actor is woken.
    pub async fn list(
        &self,
        tenant: &TenantId,
        user: &UserId,
        filter: (Option<bool>, Option<String>),
        page: ListPage,
    ) -> Result<Listed<chat::ChatRoom>, Error> {
        let (tenant, user, (archived, search)) = (tenant.clone(), user.clone(), filter);
        let list = move |db: &mut crate::store::Connection| {
            chat::list(db, &tenant, &user, (archived, search.as_deref()), &page)
        };
        Ok(self.hub.store.read(list).await?)
    }

    /// A room with its members, if the user is in it; no actor is woken.
    pub async fn find(
        &self,
        tenant: &TenantId,
        user: &UserId,
        room: &ChatRoomId,
    ) -> Result<(chat::ChatRoom, Vec<chat::ChatMember>), Error> {
        let (tenant, user, room) = (tenant.clone(), user.clone(), room.clone());
        let found = move |db: &mut crate::store::Connection| {
            let Some(row) = chat::find(db, &room)?.filter(|row| row.tenant_id == tenant) else {
                return Ok(None);
            };
            if !chat::is_inside(db, &row, &user)? {
                return Ok(None);
            }
            let members = chat::members(db, &room)?;
            Ok(Some((row, members)))
        };
        self.hub.store.read(found).await?.ok_or(Error::NotFound)
    }

    /// A page of a room's rows behind `after`, straight from the journal: for REST and export. That the
    /// caller is in the room is [`Rooms::find`]'s to say.
    pub async fn rows(&self, room: &ChatRoomId, after: Seq, rows: usize) -> Result<Page, Error> {
        const BYTES: usize = 1 << 20;
        let page = self.hub.store.journal().read(&subject(room), after, rows, BYTES).await;
        page.map_err(|error| match error {
            crate::store::Error::NotFound => Error::NotFound,
            error => Error::Store(error),
        })
    }

    /// Sends a room's actor a command and waits for its answer.
    pub(super) async fn ask<T>(
        &self,
        room: &ChatRoomId,
        ask: impl FnOnce(Reply<T>) -> Ask,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        self.registry.ask(room.clone(), self.command(room, ask(reply)));
        // No answer in time is no silence: the command may have been carried out or not.
        let answer = tokio::time::timeout(self.hub.deadline, answer).await;
        answer.ok().and_then(Result::ok).unwrap_or(Err(Error::Lost))
    }

    /// Wakes a room, or gives the wake back when the registry is full.
    pub(super) fn wake(&self, room: &ChatRoomId, wake: Wake) -> Result<(), Wake> {
        self.registry.send(room.clone(), self.command(room, Ask::Wake(wake.clone()))).map_err(|_| wake)
    }

    fn command(&self, room: &ChatRoomId, ask: Ask) -> RoomCommand {
        RoomCommand {
            room: room.clone(),
            ask,
            timers: self.hub.timers.clone(),
            clock: self.hub.clock.clone(),
        }
    }
}
