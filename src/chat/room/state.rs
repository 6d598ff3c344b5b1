//! What a room is after its rows.

use std::{collections::VecDeque, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Approved, BotMessage, Closed, Ended, Limits, RoomEvent, UserMessage, words};
use crate::{
    ai::{Draft, Person, Said, Speaker},
    chat::{Accepted, Asker, Proposal, ProposalStatus},
    ids::{ChatRoomId, MessageId, ProposalId, Seq, TenantId, UserId},
};

/// Exchanges that a state keeps at least, for who joins.
const SHOWN: usize = 50;
/// Bytes of them, tables counted.
const KEPT_BYTES: usize = 128 * 1024;
/// Newest exchanges that keep their table.
const WITH_TABLES: usize = 4;
/// Closed proposals that are remembered by their end.
const CLOSED: usize = 32;
/// Client ids of messages that are remembered; older ones are known to the table of keys.
const RECENT: usize = 64;
/// Rows between snapshots.
const SNAPSHOT_EVERY: usize = 200;

/// What never changes of a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// Its id.
    #[serde(rename = "chatRoomID")]
    pub room: ChatRoomId,
    /// Whose.
    #[serde(rename = "tenantID")]
    pub tenant: TenantId,
    /// Who made it.
    pub owner: RoomMember,
}

/// A person of a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomMember {
    /// The user's row.
    #[serde(rename = "userID")]
    pub user: UserId,
    /// `firebaseID` on the wire.
    #[serde(rename = "firebaseID")]
    pub subject: String,
}

impl From<&Person> for RoomMember {
    fn from(person: &Person) -> Self {
        Self { user: person.user.clone(), subject: person.subject.clone() }
    }
}

/// A message without its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// Its row.
    pub seq: Seq,
    /// The message.
    pub said: Arc<UserMessage>,
}

/// A message with its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exchange {
    /// Row of the message.
    pub said_at: Seq,
    /// The message.
    pub said: Arc<UserMessage>,
    /// Of a message with a consent: what was meant, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Row of the answer.
    pub told_at: Seq,
    /// The answer; its table goes after some exchanges.
    pub told: BotMessage,
}

/// The proposal that waits for a person, or that is being carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenProposal {
    /// What.
    pub proposal: Arc<Proposal>,
    /// Row of the answer that carries it.
    pub seq: Seq,
    /// Who asked for it.
    pub by: Asker,
    /// Who said yes; it is being carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Approved>,
}

/// How a proposal ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settled {
    /// Which.
    #[serde(flatten)]
    pub closed: Closed,
    /// What it would have done.
    pub summary: String,
}

/// A client id and its message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recent {
    /// Whose.
    #[serde(rename = "userID")]
    pub user: UserId,
    /// The client's name of it.
    pub client_id: String,
    /// Ours.
    #[serde(rename = "messageID")]
    pub message: MessageId,
    /// Its row.
    pub seq: Seq,
}

/// All that a room is, as a snapshot row has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// What never changes.
    #[serde(flatten)]
    pub about: About,
    /// Its title: given, or the first words that were said.
    pub title: Option<String>,
    /// Put away.
    pub archived: bool,
    /// Who is in it beside its owner, in order of entry.
    pub members: Vec<RoomMember>,
    /// Messages without an answer, in order; the first is being answered.
    pub queue: VecDeque<Pending>,
    /// The newest messages with their answers, in order.
    pub exchanges: VecDeque<Arc<Exchange>>,
    /// The one proposal.
    pub open: Option<OpenProposal>,
    /// The newest that ended.
    pub closed: VecDeque<Settled>,
    /// The newest client ids.
    pub recent: VecDeque<Recent>,
    /// Messages of persons and answers, ever.
    pub messages: u64,
    /// The last of them.
    pub last_message_at: Option<Timestamp>,
    /// Tokens that were used, ever.
    pub tokens: u64,
}

/// A room after its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct RoomState {
    pub(super) limits: Arc<Limits>,
    pub(super) facts: Facts,
    pub(super) head: Seq,
    /// Rows since the last snapshot.
    pub(super) since: usize,
}

impl RoomState {
    /// Before its first row.
    pub fn new(about: About, limits: Arc<Limits>) -> Self {
        let facts = Facts {
            about,
            title: None,
            archived: false,
            members: Vec::new(),
            queue: VecDeque::new(),
            exchanges: VecDeque::new(),
            open: None,
            closed: VecDeque::new(),
            recent: VecDeque::new(),
            messages: 0,
            last_message_at: None,
            tokens: 0,
        };
        Self { limits, facts, head: Seq::ZERO, since: 0 }
    }

    /// All of it.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }
    /// Which room.
    pub fn room(&self) -> &ChatRoomId {
        &self.facts.about.room
    }
    /// Whose.
    pub fn tenant(&self) -> &TenantId {
        &self.facts.about.tenant
    }
    /// Its bounds.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }
    /// Its last row.
    pub fn head(&self) -> Seq {
        self.head
    }
    /// Owns the room.
    pub fn is_owner(&self, user: &UserId) -> bool {
        self.facts.about.owner.user == *user
    }
    /// Owns the room, or was let in.
    pub fn is_inside(&self, user: &UserId) -> bool {
        self.is_owner(user) || self.facts.members.iter().any(|member| member.user == *user)
    }
    /// The message that is being answered.
    pub fn answering(&self) -> Option<&Pending> {
        self.facts.queue.front()
    }
    /// Something must be done after a restart, without anybody's asking.
    pub fn attention(&self) -> bool {
        !self.facts.queue.is_empty()
    }
    /// The proposal that a person may answer.
    pub fn open(&self) -> Option<&OpenProposal> {
        self.facts.open.as_ref().filter(|open| open.approved.is_none())
    }
    /// The message that a client sent under this name, if it is one of the last.
    pub fn sent_before(&self, user: &UserId, client_id: &str) -> Option<Accepted> {
        let found =
            self.facts.recent.iter().rev().find(|it| it.user == *user && it.client_id == client_id)?;
        Some(Accepted { message: found.message.clone(), seq: found.seq, repeated: true })
    }
    /// What an assistant may know of what was said before, oldest first.
    pub(super) fn history(&self) -> Vec<Said> {
        let mut said = Vec::new();
        for exchange in &self.facts.exchanges {
            let text = words::spoken(&exchange.said, exchange.about.as_deref());
            said.push(Said { by: Speaker::Person, text, data: None, at: exchange.said.at });
            let (text, data) = (exchange.told.text.clone(), exchange.told.data.clone());
            let by_hub = exchange.said.action.is_some() || exchange.told.ended == Ended::Error;
            let by = if by_hub { Speaker::Hub } else { Speaker::Assistant };
            said.push(Said { by, text, data, at: exchange.told.at });
        }
        let over = said.len().saturating_sub(self.limits.history);
        said.split_off(over)
    }
    /// What a draft becomes when the answer to that message proposes it.
    pub fn propose(&self, message: &MessageId, draft: Draft, now: Timestamp) -> Proposal {
        let life =
            jiff::SignedDuration::try_from(self.limits.proposal_expiry).unwrap_or(jiff::SignedDuration::MAX);
        Proposal {
            id: ProposalId::of_turn(self.room(), message),
            turn: message.clone(),
            call: draft.call,
            summary: draft.summary,
            seal: draft.seal,
            expires_at: now.checked_add(life).unwrap_or(Timestamp::MAX),
        }
    }
    /// A snapshot would be of use.
    pub(super) fn snapshot_due(&self) -> bool {
        self.since >= SNAPSHOT_EVERY
    }

    /// What is known of a proposal that is not open: its end.
    pub(super) fn ended(&self, id: &ProposalId) -> Option<&Settled> {
        self.facts.closed.iter().rev().find(|settled| settled.closed.proposal == *id)
    }

    fn said(&mut self, said: &UserMessage, seq: Seq) {
        let facts = &mut self.facts;
        facts.messages += 1;
        facts.last_message_at = Some(said.at);
        if facts.title.is_none() {
            facts.title = words::title(&said.text);
        }
        if let Some(client_id) = &said.client_id {
            let user = said.who.person.user.clone();
            let recent = Recent { user, client_id: client_id.clone(), message: said.message.clone(), seq };
            facts.recent.push_back(recent);
            if facts.recent.len() > RECENT {
                facts.recent.pop_front();
            }
        }
        facts.queue.push_back(Pending { seq, said: Arc::new(said.clone()) });
    }

    fn told(&mut self, told: &BotMessage, seq: Seq) {
        let about = self.facts.queue.front().and_then(|first| self.meant(&first.said)).map(str::to_owned);
        let facts = &mut self.facts;
        facts.messages += 1;
        facts.last_message_at = Some(told.at);
        facts.tokens = facts.tokens.saturating_add(told.tokens);
        let Some(place) = facts.queue.iter().position(|it| it.said.message == told.in_reply_to) else {
            return;
        };
        let Some(first) = facts.queue.remove(place) else { return };
        if let Some(proposal) = &told.proposal {
            let (proposal, by) = (Arc::new(proposal.clone()), first.said.who.clone());
            facts.open = Some(OpenProposal { proposal, seq, by, approved: None });
        }
        let exchange =
            Exchange { said_at: first.seq, said: first.said, about, told_at: seq, told: told.clone() };
        facts.exchanges.push_back(Arc::new(exchange));
        if let Some(old) = facts.exchanges.len().checked_sub(WITH_TABLES + 1)
            && let Some(old) = facts.exchanges.get_mut(old)
            && old.told.data.is_some()
        {
            Arc::make_mut(old).told.data = None;
        }
        // A message and its answer are two messages.
        let most = SHOWN.max(self.limits.history).div_ceil(2);
        let mut bytes: usize = facts.exchanges.iter().map(|exchange| exchange.bytes()).sum();
        while facts.exchanges.len() > most || (bytes > KEPT_BYTES && facts.exchanges.len() > 1) {
            bytes -= facts.exchanges.pop_front().map_or(0, |exchange| exchange.bytes());
        }
    }

    /// What a message with a consent is about, in words.
    fn meant(&self, said: &UserMessage) -> Option<&str> {
        said.action?;
        let id = said.proposal.as_ref()?;
        let open = self.facts.open.as_ref().filter(|open| open.proposal.id == *id);
        open.map(|open| open.proposal.summary.as_str())
            .or_else(|| self.ended(id).map(|settled| settled.summary.as_str()))
    }

    fn closed(&mut self, closed: &Closed) {
        let facts = &mut self.facts;
        let Some(open) = facts.open.take_if(|open| open.proposal.id == closed.proposal) else { return };
        facts.closed.push_back(Settled { closed: closed.clone(), summary: open.proposal.summary.clone() });
        if facts.closed.len() > CLOSED {
            facts.closed.pop_front();
        }
    }
}

impl Exchange {
    fn bytes(&self) -> usize {
        let table = self.told.data.as_ref().map_or(0, |table| {
            let cells =
                table.rows.iter().flatten().map(|cell| cell.as_str().map_or(16, |text| text.len() + 16));
            cells.sum::<usize>()
        });
        self.said.text.len() + self.told.text.len() + table + 512
    }
}

impl OpenProposal {
    /// Where it is.
    pub fn status(&self) -> ProposalStatus {
        if self.approved.is_some() { ProposalStatus::Approved } else { ProposalStatus::Open }
    }
    pub(super) fn is_late(&self, now: Timestamp) -> bool {
        self.approved.is_none() && now >= self.proposal.expires_at
    }
}

/// Folds one row into the state: live, and in recovery. It never fails.
pub fn apply(state: &mut RoomState, event: &RoomEvent, seq: Seq) {
    state.head = seq;
    state.since += 1;
    match event {
        RoomEvent::Opened(opened) => {
            state.facts.about.owner = opened.owner.clone();
            state.facts.title.clone_from(&opened.title);
        }
        RoomEvent::Said(said) => state.said(said, seq),
        RoomEvent::Told(told) => state.told(told, seq),
        RoomEvent::Approved(approved) => {
            if let Some(open) = state.facts.open.as_mut().filter(|it| it.proposal.id == approved.proposal) {
                open.approved = Some((**approved).clone());
            }
        }
        RoomEvent::Closed(closed) => state.closed(closed),
        RoomEvent::Returned(returned) => {
            if let Some(open) = state.facts.open.as_mut().filter(|it| it.proposal.id == returned.proposal) {
                open.approved = None;
            }
        }
        RoomEvent::Added(added) => {
            if !state.is_inside(&added.member.user) {
                state.facts.members.push(added.member.clone());
            }
        }
        RoomEvent::Removed(removed) => {
            state.facts.members.retain(|member| member.user != removed.member.user);
        }
        RoomEvent::Changed(changed) => {
            if let Some(title) = &changed.title {
                state.facts.title = Some(title.clone());
            }
            if let Some(archived) = changed.archived {
                state.facts.archived = archived;
            }
        }
        RoomEvent::Snapshot(facts) => {
            state.facts = (**facts).clone();
            state.since = 0;
        }
    }
}
