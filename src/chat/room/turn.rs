//! What the first message of the queue needs.

use super::{Approved, OpenProposal, RoomState, words};
use crate::chat::Action;

/// What is next.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Next<'s> {
    /// Ask the assistant.
    Answer {
        /// Nothing is run at once.
        propose_only: bool,
        /// What is proposed is shown as well.
        preview: bool,
    },
    /// Show what the open proposal would do.
    Preview(&'s OpenProposal),
    /// Do what was approved.
    CarryOut(&'s OpenProposal, &'s Approved),
    /// The open proposal is approved by this message.
    Approve(&'s OpenProposal),
    /// It is rejected.
    Reject(&'s OpenProposal),
    /// Nothing but words.
    Tell(String),
}

/// What the message that is being answered needs; none: nobody waits.
pub(super) fn next(state: &RoomState) -> Option<Next<'_>> {
    let said = &state.answering()?.said;
    let Some(action) = said.action else {
        return Some(Next::Answer { propose_only: false, preview: false });
    };
    if !state.is_inside(&said.who.person.user) {
        // Let out while the message waited.
        return Some(Next::Tell(words::outside().to_owned()));
    }
    let Some(id) = &said.proposal else {
        // A word of consent that comes late or twice is never a new request.
        let can_be_asked = action == Action::Test && !said.text.trim().is_empty();
        return Some(if said.unseen {
            Next::Tell(words::unseen().to_owned())
        } else if can_be_asked {
            Next::Answer { propose_only: true, preview: true }
        } else {
            Next::Tell(words::nothing_open(action).to_owned())
        });
    };
    if let Some(open) = state.facts.open.as_ref().filter(|open| open.proposal.id == *id) {
        return Some(match (&open.approved, action) {
            (Some(approved), _) if approved.message == said.message => Next::CarryOut(open, approved),
            (Some(_), _) => Next::Tell(words::under_way().to_owned()),
            (None, Action::Approve) => Next::Approve(open),
            (None, Action::Reject) => Next::Reject(open),
            (None, Action::Test) => Next::Preview(open),
        });
    }
    Some(Next::Tell(match state.ended(id) {
        Some(settled) => words::settled(&settled.closed),
        None => words::no_such_proposal().to_owned(),
    }))
}
