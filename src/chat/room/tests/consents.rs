//! What a person's word on a proposal does, in all orders.

use super::stage::{Room, by, output, proposes, says};
use crate::{
    ai::{Output, ToolError},
    chat::{
        Action, Answered, Consent, ProposalStatus,
        room::{Effect, Ended, RoomCommand, RoomMember},
    },
    error::Code,
    ids::{ProposalId, RunId},
};

fn done(text: &str) -> Answered {
    Answered::Done(Box::new(output(text)))
}

#[test]
fn approved_it_is_carried_out_once_and_audited() {
    let mut room = Room::new();
    let id = room.proposed("May");
    let message = room.consent("ann", Action::Approve);
    assert_eq!(room.begun(), std::slice::from_ref(&id));
    assert_eq!(room.kinds().last(), Some(&"PROPOSAL_APPROVED"), "before the effect begins");
    let run = RunId::trusted("i");
    let output = Output { run: Some(run.clone()), ..output("It runs.") };
    room.carried_out(&id, Answered::Done(Box::new(output)));
    let told = room.told(&message);
    assert_eq!((told.run.as_ref(), told.ended), (Some(&run), Ended::Ok));
    assert!(told.text.contains("start the report of May") && told.text.contains("It runs."));
    room.carried_out(&id, done("again"));
    assert_eq!(room.all_told().count(), 2);
    let actions: Vec<&str> = room
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Audit(audit) => Some(audit.action),
            _ => None,
        })
        .collect();
    assert_eq!(actions, ["chat.proposal.create", "chat.proposal.approve", "chat.proposal.done"]);
    assert_eq!(room.folded(), room.state);
}

#[test]
fn two_people_approve_at_once_and_one_effect_happens() {
    let mut room = Room::new();
    let member = RoomMember::from(&by("bob").person);
    room.does(RoomCommand::AddMember { by: by("ann"), member }).unwrap();
    let id = room.proposed("May");
    let (first, second) = (room.consent("ann", Action::Approve), room.consent("bob", Action::Approve));
    let third = room.consent_of("bob", Action::Reject, Some(id.clone()), None);
    assert_eq!(room.begun().len(), 1);
    room.carried_out(&id, done(""));
    assert!(room.told(&first).text.starts_with("Done"));
    for late in [second, third] {
        assert!(room.told(&late).text.contains("carried out already"), "{}", room.told(&late).text);
    }
    assert_eq!(room.begun().len(), 1);
}

#[test]
fn what_is_rejected_is_over_and_the_reason_is_remembered() {
    let mut room = Room::new();
    let id = room.proposed("May");
    let said =
        room.said("ann", "wrong month", Some(Consent { action: Action::Reject, proposal: None }), Some(0));
    let message = said.message.clone();
    room.does(RoomCommand::Say(Box::new(said))).unwrap();
    assert!(room.told(&message).text.starts_with("Rejected"));
    assert!(room.state.open().is_none());
    let late = room.consent_of("ann", Action::Approve, Some(id), None);
    assert!(room.told(&late).text.contains("rejected already"));
    assert!(room.begun().is_empty());
    room.say("ann", "and June?");
    let history = room.effects.iter().rev().find_map(|effect| match effect {
        Effect::Answer(ask) => Some(ask.history.iter().map(|said| said.text.clone()).collect::<Vec<_>>()),
        _ => None,
    });
    let history = history.unwrap().join("\n");
    assert!(history.contains("I reject: start the report of May\nBecause: wrong month"), "{history}");
}

#[test]
fn a_newer_proposal_takes_the_place_of_the_open_one() {
    let mut room = Room::new();
    let old = room.proposed("May");
    let new = room.proposed("June");
    assert_ne!(old, new);
    let late = room.consent_of("ann", Action::Approve, Some(old), None);
    assert!(room.told(&late).text.contains("replaced by a newer one"));
    room.consent("ann", Action::Approve);
    assert_eq!(room.begun(), [new]);
}

#[test]
fn time_closes_what_nobody_answers() {
    let mut room = Room::new();
    let id = room.proposed("May");
    room.later(299);
    assert_eq!(room.does(RoomCommand::Expire { proposal: id.clone() }), Ok(0), "too early");
    room.later(1);
    // Whether the timer came or not.
    let late = room.consent("ann", Action::Approve);
    assert!(room.told(&late).text.contains("has expired"), "{}", room.told(&late).text);
    assert_eq!(room.does(RoomCommand::Expire { proposal: id }), Ok(0));
    let second = room.proposed("June");
    room.later(300);
    assert_eq!(room.does(RoomCommand::Expire { proposal: second.clone() }), Ok(1));
    let status = room.state.facts().closed.back().map(|settled| settled.closed.status);
    assert_eq!(status, Some(ProposalStatus::Expired));
    // One that waits behind a long answer meets the same end.
    room.proposed("July");
    let slow = room.say("ann", "something slow");
    let waits = room.consent("ann", Action::Test);
    room.later(300);
    room.answer(&slow, says("at last"));
    assert!(room.told(&waits).text.contains("has expired"));
    assert!(
        room.begun().is_empty()
            && !room.effects.iter().any(|effect| matches!(effect, Effect::Preview { .. }))
    );
}

#[test]
fn without_a_name_only_what_the_socket_was_sent_is_meant() {
    let mut room = Room::new();
    let id = room.proposed("May");
    let seq = room.state.open().unwrap().seq.0;
    for seen in [None, Some(seq + 1)] {
        let message = room.consent_of("ann", Action::Approve, None, seen);
        assert!(room.told(&message).text.contains("proposalID"), "{}", room.told(&message).text);
    }
    assert!(room.begun().is_empty());
    let foreign = room.consent_of("ann", Action::Approve, Some(ProposalId::trusted("other")), Some(0));
    assert!(room.told(&foreign).text.contains("no such proposal"));
    room.consent_of("ann", Action::Approve, None, Some(seq));
    assert_eq!(room.begun(), [id]);
}

#[test]
fn a_consent_for_nothing_is_told_and_its_text_is_taken_as_a_request() {
    let mut room = Room::new();
    for action in [Action::Approve, Action::Reject, Action::Test] {
        let message = room.consent("ann", action);
        assert!(room.told(&message).text.contains("no open proposal"), "{action:?}");
    }
    // The seed's payload: a text and `test`.
    let said = room.said("ann", "sales", Some(Consent { action: Action::Test, proposal: None }), Some(0));
    let message = said.message.clone();
    room.does(RoomCommand::Say(Box::new(said))).unwrap();
    let Some(Effect::Answer(ask)) = room.effects.last() else { unreachable!("it is asked") };
    assert!(ask.propose_only && ask.preview);
    let preview = Some(Box::new(Ok(output("3 rows"))));
    let answer = Box::new(proposes("May"));
    room.does(RoomCommand::Answered { message: message.clone(), answer, preview }).unwrap();
    let told = room.told(&message);
    assert!(told.text.contains("no open proposal to test") && told.text.contains("3 rows"), "{}", told.text);
    assert!(told.proposal.is_some() && room.begun().is_empty());
}

#[test]
fn a_test_changes_nothing_and_the_proposal_stays_open() {
    let mut room = Room::new();
    let id = room.proposed("May");
    let message = room.consent("ann", Action::Test);
    assert!(matches!(room.effects.last(), Some(Effect::Preview { .. })));
    room.previewed(&message, Ok(output("3 rows")));
    assert!(
        room.told(&message).text.contains("nothing was changed")
            && room.told(&message).text.contains("3 rows")
    );
    let again = room.consent("ann", Action::Test);
    room.previewed(&again, Err(ToolError::Invalid("month: is required".to_owned())));
    assert!(room.told(&again).text.contains("month: is required"));
    room.consent("ann", Action::Approve);
    assert_eq!(room.begun(), [id]);
}

#[test]
fn who_has_no_right_leaves_it_to_others() {
    let mut room = Room::new();
    let member = RoomMember::from(&by("bob").person);
    room.does(RoomCommand::AddMember { by: by("ann"), member }).unwrap();
    let id = room.proposed("May");
    let message = room.consent("bob", Action::Approve);
    room.carried_out(&id, Answered::Failed(ToolError::Denied("tenant:workflow:execute")));
    assert!(room.told(&message).text.contains("Somebody else"));
    room.consent("ann", Action::Approve);
    assert_eq!(room.begun(), [id.clone(), id.clone()]);
    let failed = ToolError::Failed { code: Code::QueryFailed, message: "no such table".to_owned() };
    room.carried_out(&id, Answered::Failed(failed));
    let told = room.all_told().last().unwrap();
    assert_eq!(told.error_code.as_deref(), Some("QUERY_FAILED"));
    assert!(told.text.contains("no such table"));
    let late = room.consent_of("ann", Action::Approve, Some(id), None);
    assert!(room.told(&late).text.contains("has failed"));
}

/// F-rules of a crash: what had begun is told to be done again with `again`, and the shell decides by its kind.
#[test]
fn what_had_begun_when_the_hub_died_is_never_begun_anew() {
    let mut room = Room::new();
    let id = room.proposed("May");
    let message = room.consent("ann", Action::Approve);
    room.crash();
    let Some(Effect::CarryOut { proposal, again, .. }) = room.effects.last() else {
        unreachable!("it is outstanding")
    };
    assert!(*again && proposal.id == id);
    assert_eq!(room.begun().len(), 1);
    room.does(RoomCommand::Unknown { proposal: id.clone() }).unwrap();
    assert!(room.told(&message).text.contains("look for yourself"));
    let late = room.consent_of("ann", Action::Approve, Some(id), None);
    assert!(room.told(&late).text.contains("is not known"));
    // An answer in the making is made again; an open proposal keeps its timer.
    let question = room.say("ann", "again?");
    room.crash();
    assert!(matches!(room.effects.last(), Some(Effect::Answer(ask)) if ask.message == question));
    room.answer(&question, proposes("June"));
    room.crash();
    assert!(matches!(room.effects.last(), Some(Effect::SetTimer { .. })));
}

#[test]
fn who_was_let_out_meanwhile_decides_nothing() {
    let mut room = Room::new();
    let member = RoomMember::from(&by("bob").person);
    room.does(RoomCommand::AddMember { by: by("ann"), member: member.clone() }).unwrap();
    room.proposed("May");
    let slow = room.say("ann", "something slow");
    let waits = room.consent("bob", Action::Approve);
    room.does(RoomCommand::RemoveMember { by: by("ann"), user: member.user }).unwrap();
    room.answer(&slow, says("at last"));
    assert!(room.told(&waits).text.contains("not in the room any more"));
    assert!(room.begun().is_empty() && room.state.open().is_some());
}

#[test]
fn a_consent_that_is_sent_twice_is_no_new_request() {
    let mut room = Room::new();
    let id = room.proposed("May");
    let yes = |room: &mut Room| {
        let said =
            room.said("ann", "yes", Some(Consent { action: Action::Approve, proposal: None }), Some(0));
        let message = said.message.clone();
        room.does(RoomCommand::Say(Box::new(said))).unwrap();
        message
    };
    yes(&mut room);
    room.carried_out(&id, done(""));
    let again = yes(&mut room);
    assert!(room.told(&again).text.contains("no open proposal to approve"));
    assert_eq!(room.begun().len(), 1);
}

/// What is being shown is not closed in the middle: nothing else begins beside it.
#[test]
fn a_proposal_does_not_expire_while_it_is_shown() {
    let mut room = Room::new();
    let id = room.proposed("May");
    let message = room.consent("ann", Action::Test);
    let after = room.say("ann", "and then?");
    room.later(300);
    assert_eq!(room.does(RoomCommand::Expire { proposal: id.clone() }), Ok(0));
    room.previewed(&message, Ok(output("3 rows")));
    assert!(room.told(&message).text.contains("3 rows"));
    assert!(room.state.open().is_none(), "now it has expired");
    assert!(matches!(room.effects.last(), Some(Effect::ClearTimer { .. })));
    room.answer(&after, says("so"));
    let late = room.consent_of("ann", Action::Approve, Some(id), None);
    assert!(room.told(&late).text.contains("has expired"));
}

#[test]
fn a_refusal_after_the_time_leaves_nothing_open() {
    let mut room = Room::new();
    let id = room.proposed("May");
    let message = room.consent("ann", Action::Approve);
    room.later(300);
    room.carried_out(&id, Answered::Failed(ToolError::Denied("tenant:workflow:execute")));
    assert!(room.told(&message).text.ends_with("It has expired."));
    assert!(room.state.open().is_none());
}

#[test]
fn what_is_told_has_no_control_characters() {
    let mut room = Room::new();
    let message = room.say("ann", "hi");
    room.answer(&message, says("a\u{1b}[31m\u{202e}b\0\nc"));
    assert_eq!(room.told(&message).text, "a[31mb\nc");
}
