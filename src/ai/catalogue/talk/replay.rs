//! Which earlier messages belong to the one that is answered. Pure.

use jiff::{Timestamp, tz::TimeZone};

use super::say;
use crate::ai::{Said, Speaker, Turn, catalogue::fill::Message};

/// Most exchanges that one talk is made of.
const MOST: usize = 12;
/// What the room puts before a text that came with a test of nothing, as a person's message.
const TESTED: &str = "Show me without doing it.\n";
/// What it writes of a consent: its words may be a title's.
const CONSENTS: [&str; 3] = ["I approve", "I reject", "Show me without doing it"];

/// A person's message with its answer.
#[derive(Debug, Clone)]
pub(in super::super) struct Heard {
    /// What was said.
    pub message: Message,
    /// What the assistant said to it; none for the message that is to be answered.
    pub told: Option<String>,
}

/// The talk, oldest first; the last one is to be answered. A message goes back to an earlier one when that was
/// answered with a question, or when it says nothing but a time.
pub(in super::super) fn heard(turn: &Turn) -> Vec<Heard> {
    let last = read(&turn.text, turn.now, &turn.timezone);
    let (mut needs, mut all) = (last.is_bare_time(), vec![Heard { message: last, told: None }]);
    let mut history: &[Said] = &turn.history;
    while let [rest @ .., said, told] = history {
        let is_exchange = said.by == Speaker::Person && told.by == Speaker::Assistant;
        if !is_exchange || all.len() > MOST || !(needs || say::is_question(&told.text)) {
            break;
        }
        let text = said.text.strip_prefix(TESTED).unwrap_or(&said.text);
        if CONSENTS.iter().any(|consent| text.starts_with(consent)) {
            break;
        }
        let message = read(text, said.at, &turn.timezone);
        needs = message.is_bare_time();
        all.push(Heard { message, told: Some(told.text.clone()) });
        history = rest;
    }
    all.reverse();
    all
}

fn read(text: &str, at: Timestamp, zone: &TimeZone) -> Message {
    Message::read(text, &at.to_zoned(zone.clone()))
}
