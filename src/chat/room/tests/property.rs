//! Whatever people, assistants, time and crashes do: one answer to each message, in order; one open proposal at
//! most; nothing is begun twice; the rows give the state.

use std::collections::HashMap;

use proptest::prelude::*;

use super::stage::{Room, by, output, proposes, says};
use crate::{
    ai::{Error, ToolError},
    chat::{
        Action, Answered, Consent,
        room::{Effect, RoomCommand, RoomEvent, RoomMember},
    },
    ids::{MessageId, ProposalId},
};

#[derive(Debug, Clone)]
enum Step {
    Say(usize),
    Consent {
        who: usize,
        action: u8,
        named: Option<usize>,
        seen: Option<i64>,
        text: bool,
    },
    /// The work that was asked for last ends: well, with a proposal, badly.
    End(u8),
    /// A result that nobody waits for.
    Late(u8),
    Time(u16),
    Timer,
    Cancel(usize),
    Crash,
    Member {
        who: usize,
        inside: bool,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = || 0..3_usize;
    let step = prop_oneof![
        4 => who().prop_map(Step::Say),
        5 => (who(), 0..3_u8, prop::option::weighted(0.4, 0..8_usize), prop::option::of(0..40_i64), any::<bool>())
            .prop_map(|(who, action, named, seen, text)| Step::Consent { who, action, named, seen, text }),
        8 => (0..4_u8).prop_map(Step::End),
        1 => (0..4_u8).prop_map(Step::Late),
        2 => (0..200_u16).prop_map(Step::Time),
        1 => Just(Step::Timer),
        1 => who().prop_map(Step::Cancel),
        2 => Just(Step::Crash),
        1 => (who(), any::<bool>()).prop_map(|(who, inside)| Step::Member { who, inside }),
    ];
    prop::collection::vec(step, 1..60)
}

const PEOPLE: [&str; 3] = ["ann", "bob", "eve"];

/// What is at work: the last thing that was asked for and not taken back.
fn at_work(room: &Room) -> Option<Effect> {
    let work = |effect: &&Effect| {
        matches!(
            effect,
            Effect::Answer(_) | Effect::Preview { .. } | Effect::CarryOut { .. } | Effect::Interrupt { .. }
        )
    };
    room.effects.iter().rev().find(work).filter(|effect| !matches!(effect, Effect::Interrupt { .. })).cloned()
}

fn end(room: &mut Room, effect: Effect, how: u8) {
    let error = || ToolError::NotFound("workflow");
    let command = match effect {
        Effect::Answer(ask) => match how {
            0 => RoomCommand::Failed { message: ask.message, failure: Error::Circles.into() },
            1 => RoomCommand::Answered { message: ask.message, answer: Box::new(says("so")), preview: None },
            _ => RoomCommand::Answered {
                message: ask.message,
                answer: Box::new(proposes("May")),
                preview: None,
            },
        },
        Effect::Preview { message, .. } => {
            let result = if how == 0 { Err(error()) } else { Ok(output("rows")) };
            RoomCommand::Previewed { message, result: Box::new(result) }
        }
        Effect::CarryOut { proposal, again, .. } => match how {
            _ if again && how < 2 => RoomCommand::Unknown { proposal: proposal.id.clone() },
            0 => RoomCommand::CarriedOut {
                proposal: proposal.id.clone(),
                answered: Box::new(Answered::Failed(ToolError::Denied("x"))),
            },
            1 => RoomCommand::CarriedOut {
                proposal: proposal.id.clone(),
                answered: Box::new(Answered::Failed(error())),
            },
            2 => RoomCommand::CarriedOut {
                proposal: proposal.id.clone(),
                answered: Box::new(Answered::Unknown(error())),
            },
            _ => RoomCommand::CarriedOut {
                proposal: proposal.id.clone(),
                answered: Box::new(Answered::Done(Box::new(output("done")))),
            },
        },
        _ => return,
    };
    let _ = room.does(command);
}

fn play(steps: Vec<Step>) -> Room {
    let mut room = Room::new();
    for step in steps {
        match step {
            Step::Say(who) => {
                let said = room.said(PEOPLE[who], "words", None, Some(0));
                let _ = room.does(RoomCommand::Say(Box::new(said)));
            }
            Step::Consent { who, action, named, seen, text } => {
                let action = [Action::Approve, Action::Reject, Action::Test][usize::from(action)];
                let known: Vec<ProposalId> = room
                    .all_told()
                    .filter_map(|told| told.proposal.as_ref().map(|it| it.id.clone()))
                    .collect();
                let proposal =
                    named.map(|at| known.get(at).cloned().unwrap_or_else(|| ProposalId::trusted("none")));
                let text = if text { "because" } else { "" };
                let said = room.said(PEOPLE[who], text, Some(Consent { action, proposal }), seen);
                let _ = room.does(RoomCommand::Say(Box::new(said)));
            }
            Step::End(how) => {
                if let Some(effect) = at_work(&room) {
                    end(&mut room, effect, how);
                }
            }
            Step::Late(how) => {
                let old = room.effects.iter().find(|effect| {
                    matches!(effect, Effect::Answer(_) | Effect::Preview { .. } | Effect::CarryOut { .. })
                });
                if let Some(old) = old.cloned() {
                    let works = at_work(&room);
                    if works.as_ref() != Some(&old) {
                        end(&mut room, old, how);
                    }
                }
            }
            Step::Time(seconds) => room.later(i64::from(seconds)),
            Step::Timer => {
                let id = room.state.open().map(|open| open.proposal.id.clone());
                let _ = room.does(RoomCommand::Expire {
                    proposal: id.unwrap_or_else(|| ProposalId::trusted("none")),
                });
            }
            Step::Cancel(who) => {
                let _ = room.does(RoomCommand::Cancel { by: by(PEOPLE[who]), partial: "half".to_owned() });
            }
            Step::Crash => room.crash(),
            Step::Member { who, inside } => {
                let member = RoomMember::from(&by(PEOPLE[who]).person);
                let command = if inside {
                    RoomCommand::AddMember { by: by("ann"), member }
                } else {
                    RoomCommand::RemoveMember { by: by("ann"), user: member.user }
                };
                let _ = room.does(command);
            }
        }
    }
    room
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("JETHUB_TEST_LONG").is_some() { 20_000 } else { 400 }))]

    #[test]
    fn the_rules_hold(steps in steps()) {
        let mut room = play(steps);
        prop_assert_eq!(room.folded(), room.state.clone());
        // Whatever is left ends.
        for _ in 0..500 {
            match at_work(&room) {
                Some(effect) if room.state.attention() => end(&mut room, effect, 3),
                _ => break,
            }
        }
        prop_assert!(!room.state.attention(), "a message waits for ever: {:?}", room.state.facts().queue);
        prop_assert_eq!(room.folded(), room.state.clone());

        let mut said: Vec<MessageId> = Vec::new();
        let mut told: Vec<MessageId> = Vec::new();
        let mut ends: HashMap<ProposalId, usize> = HashMap::new();
        let mut approved: HashMap<ProposalId, usize> = HashMap::new();
        let mut open: Option<ProposalId> = None;
        let mut last = 0;
        for (seq, event) in &room.events {
            prop_assert_eq!(seq.0, last + 1);
            last = seq.0;
            match event {
                RoomEvent::Said(message) => said.push(message.message.clone()),
                RoomEvent::Told(message) => {
                    prop_assert!(!message.text.trim().is_empty());
                    told.push(message.in_reply_to.clone());
                    if let Some(proposal) = &message.proposal {
                        prop_assert_eq!(open.replace(proposal.id.clone()), None, "one at a time");
                    }
                }
                RoomEvent::Approved(it) => {
                    prop_assert_eq!(open.as_ref(), Some(&it.proposal));
                    *approved.entry(it.proposal.clone()).or_default() += 1;
                }
                RoomEvent::Returned(it) => {
                    *approved.entry(it.proposal.clone()).or_default() -= 1;
                }
                RoomEvent::Closed(it) => {
                    prop_assert_eq!(open.take(), Some(it.proposal.clone()));
                    *ends.entry(it.proposal.clone()).or_default() += 1;
                }
                _ => {}
            }
            prop_assert!(approved.values().all(|times| *times <= 1));
        }
        prop_assert_eq!(said, told, "one answer to each message, in order");
        prop_assert!(ends.values().all(|times| *times == 1));
        // Each approval begins once; after a crash it is handed on as begun.
        let approvals = room.events.iter().filter(|(_, event)| matches!(event, RoomEvent::Approved(_))).count();
        prop_assert_eq!(room.begun().len(), approvals);
    }
}
