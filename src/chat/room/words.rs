//! What a room says itself: short, and what to do next.

use super::{Closed, UserMessage};
use crate::{
    ai::{Error, Failure, Output, ToolError},
    chat::{Action, Proposal, ProposalStatus},
    error::{Class, Coded},
};

/// Longest title made from what was said, in characters.
const TITLE: usize = 80;

/// A title from the first words; none without any.
pub(super) fn title(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let words: String = line.chars().filter(|c| !c.is_control()).collect();
    let short: String = words.chars().take(TITLE).collect();
    let more = words.chars().nth(TITLE).is_some();
    Some(if more { format!("{}…", short.trim_end()) } else { short })
}

/// What a person said, as an assistant reads it later; `about` is what their consent was about.
pub(super) fn spoken(said: &UserMessage, about: Option<&str>) -> String {
    let Some(action) = said.action else { return said.text.clone() };
    let verb = match action {
        Action::Approve => "I approve",
        Action::Reject => "I reject",
        Action::Test => "Show me without doing it",
    };
    let mut text = match about {
        Some(about) => format!("{verb}: {about}"),
        None => format!("{verb}."),
    };
    if !said.text.trim().is_empty() {
        text.push_str(if action == Action::Reject { "\nBecause: " } else { "\n" });
        text.push_str(&said.text);
    }
    text
}

pub(super) fn nothing_open(action: Action) -> &'static str {
    match action {
        Action::Approve => "There is no open proposal to approve. Tell me what you would like to do.",
        Action::Reject => "There is no open proposal to reject. Tell me what you would like to do.",
        Action::Test => "There is no open proposal to test. Tell me what you would like to see.",
    }
}

pub(super) fn unseen() -> &'static str {
    "There is an open proposal, but it was made before you came into this room here, so I did nothing. Look at it, and \
     answer it by its proposalID, or ask me again."
}

pub(super) fn outside() -> &'static str {
    "Who said this is not in the room any more, so nothing was done."
}

pub(super) fn under_way() -> &'static str {
    "This proposal was approved already and is being carried out. Nothing was done a second time."
}

pub(super) fn no_such_proposal() -> &'static str {
    "There is no such proposal in this room, so I did nothing. Ask me again for what you would like to do."
}

/// A proposal that takes no answer any more.
pub(super) fn settled(closed: &Closed) -> String {
    let what = match closed.status {
        ProposalStatus::Done => "was approved and carried out already",
        ProposalStatus::Failed => "was approved already and has failed",
        ProposalStatus::Rejected => "was rejected already",
        ProposalStatus::Superseded => "was replaced by a newer one",
        ProposalStatus::Expired => "has expired",
        ProposalStatus::Unknown => "was approved already, and whether it happened is not known",
        ProposalStatus::Open | ProposalStatus::Approved => "is closed",
    };
    format!("This proposal {what}, so I did nothing. Ask me again if you still want it.")
}

pub(super) fn rejected(proposal: &Proposal) -> String {
    format!("Rejected, nothing was done: {}", proposal.summary)
}

pub(super) fn stopped(partial: &str) -> String {
    if partial.trim().is_empty() {
        "Stopped, as you asked.".to_owned()
    } else {
        format!("{partial}\n\n(stopped)")
    }
}

/// A turn without an answer.
pub(super) fn failed(failure: &Failure) -> String {
    let why = match &failure.error {
        Error::Limited(words) => format!("I cannot answer now: {words}."),
        Error::Late(seconds) => {
            format!("I could not answer within {seconds} s. Please try again, perhaps with a smaller question.")
        }
        Error::Endless(most) => {
            format!("My answer got longer than {most}, so it ends here. Please ask for less at once.")
        }
        Error::Circles => {
            "I could not find a way to answer this. Please say it in other words, or name the query or workflow."
                .to_owned()
        }
        Error::Endpoint(words) => {
            format!("I cannot answer now: the service that I ask {words}. Please try again in a while.")
        }
        Error::Internal(_) => {
            "Something went wrong inside the hub, so there is no answer. Please try again.".to_owned()
        }
    };
    if failure.partial.trim().is_empty() { why } else { format!("{}\n\n(broken off) {why}", failure.partial) }
}

/// What went wrong with a tool; the hub's own trouble in general words.
fn trouble(error: &ToolError) -> String {
    match error {
        ToolError::Failed { code, .. } if code.class() == Class::Bug => code.row().meaning.to_owned(),
        error => error.to_string(),
    }
}

pub(super) fn done(proposal: &Proposal, output: &Output) -> String {
    with(&format!("Done: {}", proposal.summary), &output.text)
}

pub(super) fn not_done(proposal: &Proposal, error: &ToolError) -> String {
    format!(
        "It was approved, but it failed: {} ({}). Nothing is known to have changed.",
        trouble(error),
        proposal.summary
    )
}

pub(super) fn may_not(error: &ToolError, is_open: bool) -> String {
    let then =
        if is_open { "Somebody else in this room who may can still approve it." } else { "It has expired." };
    format!("I did nothing: {error}. {then}")
}

/// What may be shown: neither control characters nor marks that turn the direction of what follows.
pub(super) fn clean(text: &str) -> String {
    let shown = |c: &char| {
        matches!(c, '\n' | '\t')
            || !(c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
    };
    text.chars().filter(shown).collect()
}

pub(super) fn unknown(proposal: &Proposal) -> String {
    format!(
        "It was approved and had begun, but whether it happened is not known. It is not tried again: please look for \
         yourself before you ask for it anew. It was: {}",
        proposal.summary
    )
}

pub(super) fn shown(proposal: &Proposal, output: &Output) -> String {
    with(&format!("This is a test, nothing was changed: {}", proposal.summary), &output.text)
}

pub(super) fn not_shown(error: &ToolError) -> String {
    format!("It cannot be shown without doing it: {}. The proposal is still open.", trouble(error))
}

/// Before an answer to a text that came with a test of nothing.
pub(super) fn taken_anew() -> &'static str {
    "There was no open proposal to test, so I took your text as a new request."
}

pub(super) fn with(first: &str, more: &str) -> String {
    if more.trim().is_empty() { first.to_owned() } else { format!("{first}\n{more}") }
}

/// The stable code of a failure.
pub(super) fn code(error: &impl Coded) -> Option<String> {
    Some(error.code().as_str().to_owned())
}
