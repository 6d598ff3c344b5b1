//! A room and what was done in it, in few words.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, json};

use crate::{
    ai::{Answer, Called, Draft, Output, Person, ToolCall},
    chat::{
        Action, Answered, Asker, Consent,
        room::{
            About, BotMessage, Effect, Limits, Refusal, RoomCommand, RoomEvent, RoomMember, RoomState, Said,
            apply, outstanding, step,
        },
    },
    config::sections::{Ai, Chat},
    ids::{ChatRoomId, MessageId, ProposalId, Seq, TenantId, UserId, WorkflowId},
};

pub(super) struct Room {
    pub state: RoomState,
    pub events: Vec<(Seq, RoomEvent)>,
    /// All that was to be done, in order.
    pub effects: Vec<Effect>,
    pub now: Timestamp,
    said: usize,
}

pub(super) fn by(user: &str) -> Asker {
    let person = Person { user: UserId::trusted(user), subject: format!("fb-{user}"), api_key: None };
    Asker { person, address: None, request: None }
}

pub(super) fn limits() -> Limits {
    Limits::new(&Ai::default(), &Chat::default(), 1024)
}

pub(super) fn start(month: &str) -> Draft {
    let inputs = Map::from_iter([("month".to_owned(), json!(month))]);
    let call = ToolCall::StartWorkflow { workflow: WorkflowId::trusted("report"), inputs };
    Draft { call, summary: format!("start the report of {month}"), seal: None }
}

pub(super) fn says(text: &str) -> Answer {
    Answer { text: text.to_owned(), ..Answer::default() }
}

pub(super) fn proposes(month: &str) -> Answer {
    Answer { proposal: Some(start(month)), ..says("Shall I?") }
}

pub(super) fn output(text: &str) -> Output {
    Output { text: text.to_owned(), ..Output::default() }
}

impl Room {
    pub fn new() -> Self {
        Self::with(limits())
    }

    pub fn with(limits: Limits) -> Self {
        let about = About {
            room: ChatRoomId::trusted("r"),
            tenant: TenantId::trusted("t"),
            owner: RoomMember::from(&by("ann").person),
        };
        let state = RoomState::new(about, Arc::new(limits));
        let now = "2026-11-25T09:00:00Z".parse().unwrap();
        let mut room = Self { state, events: Vec::new(), effects: Vec::new(), now, said: 0 };
        room.does(RoomCommand::Open { title: None }).unwrap();
        room
    }

    pub fn does(&mut self, command: RoomCommand) -> Result<usize, Refusal> {
        let step = step(&self.state, &command, self.now)?;
        self.events.extend(step.rows.clone());
        self.effects.extend(step.effects);
        self.state = step.state;
        Ok(step.rows.len())
    }

    pub fn later(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    pub fn said(&mut self, who: &str, text: &str, consent: Option<Consent>, seen: Option<i64>) -> Said {
        self.said += 1;
        let message = MessageId::trusted(&format!("m{}", self.said));
        Said {
            message,
            by: by(who),
            text: text.to_owned(),
            consent,
            client_id: None,
            seen_from: seen.map(Seq),
        }
    }

    /// Says something; the name of the message.
    pub fn say(&mut self, who: &str, text: &str) -> MessageId {
        let said = self.said(who, text, None, Some(0));
        let message = said.message.clone();
        self.does(RoomCommand::Say(Box::new(said))).unwrap();
        message
    }

    /// Answers the open proposal from a socket that has seen everything.
    pub fn consent(&mut self, who: &str, action: Action) -> MessageId {
        self.consent_of(who, action, None, Some(0))
    }

    pub fn consent_of(
        &mut self,
        who: &str,
        action: Action,
        proposal: Option<ProposalId>,
        seen: Option<i64>,
    ) -> MessageId {
        let said = self.said(who, "", Some(Consent { action, proposal }), seen);
        let message = said.message.clone();
        self.does(RoomCommand::Say(Box::new(said))).unwrap();
        message
    }

    pub fn answer(&mut self, message: &MessageId, answer: Answer) {
        let (message, answer) = (message.clone(), Box::new(answer));
        self.does(RoomCommand::Answered { message, answer, preview: None }).unwrap();
    }

    pub fn carried_out(&mut self, proposal: &ProposalId, answered: Answered) {
        let (proposal, answered) = (proposal.clone(), Box::new(answered));
        self.does(RoomCommand::CarriedOut { proposal, answered }).unwrap();
    }

    pub fn previewed(&mut self, message: &MessageId, result: Called) {
        let (message, result) = (message.clone(), Box::new(result));
        self.does(RoomCommand::Previewed { message, result }).unwrap();
    }

    /// Something is proposed; its id.
    pub fn proposed(&mut self, month: &str) -> ProposalId {
        let message = self.say("ann", "please");
        self.answer(&message, proposes(month));
        self.state.open().unwrap().proposal.id.clone()
    }

    /// The answer to a message.
    pub fn told(&self, message: &MessageId) -> &BotMessage {
        let told: Vec<&BotMessage> = self.all_told().filter(|told| told.in_reply_to == *message).collect();
        assert_eq!(told.len(), 1, "one answer to {message}: {told:?}");
        told[0]
    }

    pub fn all_told(&self) -> impl Iterator<Item = &BotMessage> {
        self.events.iter().filter_map(|(_, event)| match event {
            RoomEvent::Told(told) => Some(told.as_ref()),
            _ => None,
        })
    }

    /// What is to be carried out, as often as it was asked for.
    pub fn begun(&self) -> Vec<ProposalId> {
        let begun = self.effects.iter().filter_map(|effect| match effect {
            Effect::CarryOut { proposal, again: false, .. } => Some(proposal.id.clone()),
            _ => None,
        });
        begun.collect()
    }

    /// Kinds of rows so far, without the first.
    pub fn kinds(&self) -> Vec<&'static str> {
        self.events.iter().skip(1).map(|(_, event)| event.kind().as_str()).collect()
    }

    /// The state that is read back from the rows.
    pub fn folded(&self) -> RoomState {
        let mut state =
            RoomState::new(self.state.facts().about.clone(), Arc::new(self.state.limits().clone()));
        for (seq, event) in &self.events {
            let read = RoomEvent::read(event.kind().as_str(), &event.payload()).unwrap();
            assert_eq!(read, *event);
            apply(&mut state, &read, *seq);
        }
        state
    }

    /// The hub dies and comes back.
    pub fn crash(&mut self) {
        self.state = self.folded();
        self.does(RoomCommand::Resume).unwrap();
        self.effects.extend(outstanding(&self.state));
    }
}
