//! What the shell must do because of an event.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    BotMessage, Ended, OpenProposal, RoomEvent, RoomState,
    turn::{Next, next},
};
use crate::{
    ai::{Person, Said},
    chat::{Asker, Proposal, ProposalStatus},
    ids::{MessageId, ProposalId, Seq},
};

/// What the shell must do. `SetTimer`, `ClearTimer` and `Audit` are projections: they belong into the
/// transaction of their row. The others are for after the commit.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Ask the assistant; answer with [`RoomCommand::Answered`](super::RoomCommand::Answered) or
    /// [`RoomCommand::Failed`](super::RoomCommand::Failed).
    Answer(Box<Ask>),
    /// Show what a proposal would do, without doing it; answer with
    /// [`RoomCommand::Previewed`](super::RoomCommand::Previewed).
    Preview {
        /// For this message.
        message: MessageId,
        /// Who wants to see it.
        person: Person,
        /// What.
        proposal: Arc<Proposal>,
    },
    /// Carry out a proposal with the rights of who approved it; answer with
    /// [`RoomCommand::CarriedOut`](super::RoomCommand::CarriedOut). With `again`, it had begun before a
    /// crash and may have happened: only what is keyed (a start of a workflow, by the proposal's id) or has
    /// no effect is done again, else answer with [`RoomCommand::Unknown`](super::RoomCommand::Unknown).
    CarryOut {
        /// For this message.
        message: MessageId,
        /// Who approved it.
        person: Person,
        /// What.
        proposal: Arc<Proposal>,
        /// It had begun before.
        again: bool,
    },
    /// Stop working on a message; its result is no longer wanted.
    Interrupt {
        /// The message.
        message: MessageId,
    },
    /// Set the durable timer of the room's proposal, or move it; it answers with
    /// [`RoomCommand::Expire`](super::RoomCommand::Expire).
    SetTimer {
        /// Whose.
        proposal: ProposalId,
        /// When.
        due_at: Timestamp,
    },
    /// Remove it.
    ClearTimer {
        /// Whose.
        proposal: ProposalId,
    },
    /// Publish a message of the assistant.
    Tell {
        /// Its row.
        seq: Seq,
        /// The message.
        told: Box<BotMessage>,
    },
    /// Write who did what.
    Audit(Box<Audit>),
}

/// What an assistant is asked: the room's part of [`ai::Turn`](crate::ai::Turn).
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// The message to be answered.
    pub message: MessageId,
    /// Who said it.
    pub person: Person,
    /// What they said.
    pub text: String,
    /// What was said before, oldest first.
    pub history: Vec<Said>,
    /// Tokens that the room has used.
    pub tokens: u64,
    /// Nothing is run at once, whatever the settings say: the message came with a consent for nothing.
    pub propose_only: bool,
    /// What is proposed is to be previewed ([`RoomState::propose`] makes a proposal of a draft).
    pub preview: bool,
}

/// A row of the audit.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// What: `chat.proposal.approve` …
    pub action: &'static str,
    /// Upon which proposal or user.
    pub subject: String,
    /// Who, and from where.
    pub by: Asker,
    /// More.
    pub detail: Value,
    /// When.
    pub at: Timestamp,
}

/// What must be done because of an event; `state` is the one after it.
pub fn effects(state: &RoomState, event: &RoomEvent) -> Vec<Effect> {
    let mut out = Vec::new();
    match event {
        RoomEvent::Said(_) if state.facts.queue.len() == 1 => out.extend(begin(state, false)),
        RoomEvent::Told(told) => {
            if told.ended == Ended::Cancelled {
                out.push(Effect::Interrupt { message: told.in_reply_to.clone() });
            }
            out.push(Effect::Tell { seq: state.head, told: told.clone() });
            if let Some(open) = state.open().filter(|open| open.seq == state.head) {
                out.push(timer(open));
                out.push(audit(state, "chat.proposal.create", open, &open.by, told.at));
            }
            out.extend(begin(state, false));
        }
        RoomEvent::Approved(approved) => {
            out.push(Effect::ClearTimer { proposal: approved.proposal.clone() });
            if let Some(open) = &state.facts.open {
                out.push(audit(state, "chat.proposal.approve", open, &approved.by, approved.at));
            }
            out.extend(begin(state, false));
        }
        RoomEvent::Closed(closed) => {
            let carried_out = matches!(
                closed.status,
                ProposalStatus::Done | ProposalStatus::Failed | ProposalStatus::Unknown
            );
            if !carried_out {
                out.push(Effect::ClearTimer { proposal: closed.proposal.clone() });
            }
            let action = match closed.status {
                ProposalStatus::Rejected => "chat.proposal.reject",
                ProposalStatus::Done => "chat.proposal.done",
                ProposalStatus::Failed => "chat.proposal.failed",
                ProposalStatus::Unknown => "chat.proposal.unknown",
                ProposalStatus::Open
                | ProposalStatus::Approved
                | ProposalStatus::Superseded
                | ProposalStatus::Expired => return out,
            };
            if let Some(by) = &closed.by {
                let mut detail = json!({ "chatRoomID": state.room() });
                if let Some(reason) = &closed.reason {
                    detail["reason"] = json!(reason);
                }
                if let Some(run) = &closed.run {
                    detail["instanceID"] = json!(run);
                }
                out.push(noted(action, format!("proposal:{}", closed.proposal), by, detail, closed.at));
            }
        }
        RoomEvent::Returned(returned) => {
            if let Some(open) = state.open() {
                out.push(timer(open));
                out.push(audit(state, "chat.proposal.denied", open, &returned.by, returned.at));
            }
        }
        RoomEvent::Added(it) | RoomEvent::Removed(it) => {
            let added = matches!(event, RoomEvent::Added(_));
            let action = if added { "chat.member.add" } else { "chat.member.remove" };
            let detail = json!({ "chatRoomID": state.room() });
            out.push(noted(action, format!("user:{}", it.member.user), &it.by, detail, it.at));
        }
        RoomEvent::Said(_) | RoomEvent::Opened(_) | RoomEvent::Changed(_) | RoomEvent::Snapshot(_) => {}
    }
    out
}

/// What was begun and has no end: after [`RoomCommand::Resume`](super::RoomCommand::Resume) of a room that
/// was read from its rows.
pub fn outstanding(state: &RoomState) -> Vec<Effect> {
    let timer = state.open().map(timer);
    timer.into_iter().chain(begin(state, true)).collect()
}

/// The work for the first message of the queue, if it is work.
fn begin(state: &RoomState, again: bool) -> Option<Effect> {
    let said = &state.answering()?.said;
    let (message, person) = (said.message.clone(), said.who.person.clone());
    match next(state)? {
        Next::Answer { propose_only, preview } => Some(Effect::Answer(Box::new(Ask {
            message,
            person,
            text: said.text.clone(),
            history: state.history(),
            tokens: state.facts.tokens,
            propose_only,
            preview,
        }))),
        Next::Preview(open) => Some(Effect::Preview { message, person, proposal: open.proposal.clone() }),
        Next::CarryOut(open, approved) => Some(Effect::CarryOut {
            message,
            person: approved.by.person.clone(),
            proposal: open.proposal.clone(),
            again,
        }),
        Next::Approve(_) | Next::Reject(_) | Next::Tell(_) => None,
    }
}

fn timer(open: &OpenProposal) -> Effect {
    Effect::SetTimer { proposal: open.proposal.id.clone(), due_at: open.proposal.expires_at }
}

fn audit(state: &RoomState, action: &'static str, open: &OpenProposal, by: &Asker, at: Timestamp) -> Effect {
    let detail = json!({
        "chatRoomID": state.room(),
        "call": open.proposal.call,
        "summary": open.proposal.summary,
    });
    noted(action, format!("proposal:{}", open.proposal.id), by, detail, at)
}

fn noted(action: &'static str, subject: String, by: &Asker, detail: Value, at: Timestamp) -> Effect {
    Effect::Audit(Box::new(Audit { action, subject, by: by.clone(), detail, at }))
}
