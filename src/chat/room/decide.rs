//! Command to events or refusal.

use jiff::Timestamp;

use super::{
    Approved, BotMessage, Changed, Closed, Effect, Ended, Membership, Opened, Refusal, Returned, RoomCommand,
    RoomEvent, RoomMember, RoomState, Said, UserMessage, apply, effects,
    turn::{Next, next},
    words,
};
use crate::{
    ai::{Answer, Called, Failure, ToolError},
    chat::{Answered, Asker, ProposalStatus},
    ids::{MessageId, ProposalId, Seq, UserId},
};

/// Longest title, in characters.
const TITLE: usize = 255;

/// A decided command.
#[derive(Debug, Clone)]
pub struct Step {
    /// The rows, with the seq that each must get; none: nothing changes.
    pub rows: Vec<(Seq, RoomEvent)>,
    /// The state after them.
    pub state: RoomState,
    /// What must be done: projections in the transaction of the rows, the others after the commit.
    pub effects: Vec<Effect>,
}

/// The events of a command; none when it changes nothing.
pub fn decide(state: &RoomState, command: &RoomCommand, now: Timestamp) -> Result<Vec<RoomEvent>, Refusal> {
    step(state, command, now).map(|step| step.rows.into_iter().map(|(_, event)| event).collect())
}

/// [`decide`], [`apply`] and [`effects`] in one go, for an actor that appends first.
pub fn step(state: &RoomState, command: &RoomCommand, now: Timestamp) -> Result<Step, Refusal> {
    let mut work = Work { step: Step { rows: Vec::new(), state: state.clone(), effects: Vec::new() }, now };
    work.carry_out(command)?;
    work.settle();
    // What was kept open while it was being shown.
    if work.expire() {
        work.settle();
    }
    if !work.step.rows.is_empty() && work.state().snapshot_due() {
        let facts = work.state().facts.clone();
        work.push(RoomEvent::Snapshot(Box::new(facts)));
    }
    Ok(work.step)
}

struct Work {
    step: Step,
    now: Timestamp,
}

impl Work {
    fn state(&self) -> &RoomState {
        &self.step.state
    }

    fn push(&mut self, event: RoomEvent) {
        let seq = self.step.state.head.next();
        apply(&mut self.step.state, &event, seq);
        self.step.effects.extend(effects(&self.step.state, &event));
        self.step.rows.push((seq, event));
    }

    fn carry_out(&mut self, command: &RoomCommand) -> Result<(), Refusal> {
        // What waited for a person too long is over before anything else. A message says first what it means.
        if !matches!(command, RoomCommand::Say(_)) {
            self.expire();
        }
        match command {
            RoomCommand::Open { title } => self.open(title.as_deref())?,
            RoomCommand::Say(said) => self.say(said)?,
            RoomCommand::Answered { message, answer, preview } => {
                self.answered(message, answer, preview.as_deref())
            }
            RoomCommand::Failed { message, failure } => self.failed(message, failure),
            RoomCommand::Previewed { message, result } => self.previewed(message, result),
            RoomCommand::CarriedOut { proposal, answered } => self.carried_out(proposal, answered),
            RoomCommand::Unknown { proposal } => self.unknown(proposal),
            RoomCommand::Expire { .. } | RoomCommand::Resume => {}
            RoomCommand::Cancel { by, partial } => self.cancel(by, partial)?,
            RoomCommand::AddMember { by, member } => self.add(by, member)?,
            RoomCommand::RemoveMember { by, user } => self.remove(by, user)?,
            RoomCommand::Rename { by, title } => self.rename(by, title)?,
            RoomCommand::Archive { by, archived } => self.archive(by, *archived)?,
        }
        Ok(())
    }

    /// Does what needs nobody for the messages that are first, one after the other.
    fn settle(&mut self) {
        loop {
            let event = match next(self.state()) {
                None | Some(Next::Answer { .. } | Next::Preview(_) | Next::CarryOut(..)) => return,
                Some(Next::Tell(text)) => self.reply(text, Ended::Ok),
                Some(Next::Approve(open)) => {
                    let proposal = open.proposal.id.clone();
                    let Some(first) = self.state().answering() else { return };
                    let (message, by) = (first.said.message.clone(), first.said.who.clone());
                    Some(RoomEvent::Approved(Box::new(Approved { proposal, message, by, at: self.now })))
                }
                Some(Next::Reject(open)) => {
                    let (id, text) = (open.proposal.id.clone(), words::rejected(&open.proposal));
                    let Some(first) = self.state().answering() else { return };
                    let reason = Some(first.said.text.clone()).filter(|text| !text.trim().is_empty());
                    let by = Some(first.said.who.clone());
                    self.close(&id, ProposalStatus::Rejected, by, reason, None);
                    self.reply(text, Ended::Ok)
                }
            };
            let Some(event) = event else { return };
            self.push(event);
        }
    }

    fn open(&mut self, title: Option<&str>) -> Result<(), Refusal> {
        if self.state().head > Seq::ZERO {
            return Err(Refusal::Exists);
        }
        let title = title.map(checked_title).transpose()?;
        let owner = self.state().facts.about.owner.clone();
        self.push(RoomEvent::Opened(Opened { owner, title, at: self.now }));
        Ok(())
    }

    fn say(&mut self, said: &Said) -> Result<(), Refusal> {
        let state = self.state();
        let user = &said.by.person.user;
        inside(state, user)?;
        if let Some(id) = &said.client_id
            && let Some(before) = state.sent_before(user, id)
        {
            return Err(Refusal::Repeated(before));
        }
        if said.text.trim().is_empty() && said.consent.is_none() {
            return Err(Refusal::Invalid("a message has a text, or an action"));
        }
        if said.text.len() > state.limits.text {
            return Err(Refusal::TooLarge(state.limits.text));
        }
        if state.facts.queue.len() > state.limits.queue {
            return Err(Refusal::QueueFull(state.limits.queue));
        }
        let open = state.facts.open.as_ref();
        let action = said.consent.as_ref().map(|consent| consent.action);
        let (mut proposal, mut unseen) = (None, false);
        if let Some(consent) = &said.consent {
            let seen = |seq: Seq| said.seen_from.is_some_and(|from| from <= seq);
            match (&consent.proposal, open) {
                (Some(named), _) => proposal = Some(named.clone()),
                (None, Some(open)) if seen(open.seq) => proposal = Some(open.proposal.id.clone()),
                (None, Some(_)) => unseen = true,
                (None, None) => {}
            }
        }
        let message = UserMessage {
            message: said.message.clone(),
            who: said.by.clone(),
            text: said.text.clone(),
            action,
            proposal,
            unseen,
            client_id: said.client_id.clone(),
            at: self.now,
        };
        // What is too late now is so before this message, which still means it.
        self.expire();
        if self.state().facts.archived {
            let changed = Changed { title: None, archived: Some(false), by: user.clone(), at: self.now };
            self.push(RoomEvent::Changed(changed));
        }
        self.push(RoomEvent::Said(Box::new(message)));
        Ok(())
    }

    /// The message that is being answered, if it is this one.
    fn first(&self, message: &MessageId) -> Option<&UserMessage> {
        let first = self.state().answering()?;
        (first.said.message == *message).then_some(first.said.as_ref())
    }

    fn answered(&mut self, message: &MessageId, answer: &Answer, preview: Option<&Called>) {
        let Some(first) = self.first(message) else { return };
        let Some(Next::Answer { .. }) = next(self.state()) else { return };
        let anew = first.action.map(|_| words::taken_anew());
        let mut text = match anew {
            Some(anew) => words::with(anew, &answer.text),
            None => answer.text.clone(),
        };
        if text.trim().is_empty() {
            // An assistant that says nothing has not answered.
            let error = crate::ai::Error::Internal("an empty answer".to_owned());
            return self.failed(message, &error.into());
        }
        let (mut data, mut run) = (answer.data.clone(), answer.run.clone());
        let proposal = answer.proposal.clone().map(|draft| self.state().propose(message, draft, self.now));
        if let (Some(proposal), Some(preview)) = (&proposal, preview) {
            match preview {
                Ok(output) => {
                    text = words::with(&text, &words::shown(proposal, output));
                    (data, run) = (output.data.clone().or(data), output.run.clone().or(run));
                }
                Err(error) => text = words::with(&text, &words::not_shown(error)),
            }
        }
        if proposal.is_some()
            && let Some(open) = self.state().facts.open.as_ref().filter(|open| open.approved.is_none())
        {
            let id = open.proposal.id.clone();
            self.close(&id, ProposalStatus::Superseded, None, None, None);
        }
        let Some(mut told) = self.bot(text, Ended::Ok) else { return };
        (told.proposal, told.data, told.run, told.tokens) = (proposal, data, run, answer.tokens);
        self.push(RoomEvent::Told(Box::new(told)));
    }

    fn failed(&mut self, message: &MessageId, failure: &Failure) {
        if self.first(message).is_none() || !matches!(next(self.state()), Some(Next::Answer { .. })) {
            return;
        }
        let Some(mut told) = self.bot(words::failed(failure), Ended::Error) else { return };
        told.error_code = words::code(&failure.error);
        told.partial = !failure.partial.trim().is_empty();
        told.tokens = failure.tokens;
        self.push(RoomEvent::Told(Box::new(told)));
    }

    fn previewed(&mut self, message: &MessageId, result: &Called) {
        if self.first(message).is_none() {
            return;
        }
        let Some(Next::Preview(open)) = next(self.state()) else { return };
        let proposal = open.proposal.clone();
        let told = match result {
            Ok(output) => self.bot(words::shown(&proposal, output), Ended::Ok).map(|told| BotMessage {
                data: output.data.clone(),
                run: output.run.clone(),
                ..told
            }),
            Err(error) => self
                .bot(words::not_shown(error), Ended::Error)
                .map(|told| BotMessage { error_code: words::code(error), ..told }),
        };
        if let Some(told) = told {
            self.push(RoomEvent::Told(Box::new(told)));
        }
    }

    /// The approval that is being carried out, if it is that proposal's.
    fn under_way(&self, id: &ProposalId) -> Option<(std::sync::Arc<crate::chat::Proposal>, Asker)> {
        match next(self.state()) {
            Some(Next::CarryOut(open, approved)) if open.proposal.id == *id => {
                Some((open.proposal.clone(), approved.by.clone()))
            }
            _ => None,
        }
    }

    fn carried_out(&mut self, id: &ProposalId, answered: &Answered) {
        let Some((proposal, by)) = self.under_way(id) else { return };
        match answered {
            Answered::Done(output) => {
                let told = self.bot(words::done(&proposal, output), Ended::Ok);
                self.close(id, ProposalStatus::Done, Some(by), None, output.run.clone());
                if let Some(told) = told {
                    let told = BotMessage { data: output.data.clone(), run: output.run.clone(), ..told };
                    self.push(RoomEvent::Told(Box::new(told)));
                }
            }
            Answered::Failed(error @ (ToolError::Denied(_) | ToolError::NeedsConsent)) => {
                let is_open = self.now < proposal.expires_at;
                let told = self.bot(words::may_not(error, is_open), Ended::Error);
                if is_open {
                    self.push(RoomEvent::Returned(Returned { proposal: id.clone(), by, at: self.now }));
                } else {
                    self.close(id, ProposalStatus::Expired, None, None, None);
                }
                if let Some(told) = told {
                    let told = BotMessage { error_code: words::code(error), ..told };
                    self.push(RoomEvent::Told(Box::new(told)));
                }
            }
            Answered::Failed(error) => {
                let told = self.bot(words::not_done(&proposal, error), Ended::Error);
                self.close(id, ProposalStatus::Failed, Some(by), None, None);
                if let Some(told) = told {
                    let told = BotMessage { error_code: words::code(error), ..told };
                    self.push(RoomEvent::Told(Box::new(told)));
                }
            }
            Answered::Unknown(_) => self.unknown(id),
        }
    }

    fn unknown(&mut self, id: &ProposalId) {
        let Some((proposal, by)) = self.under_way(id) else { return };
        let told = self.bot(words::unknown(&proposal), Ended::Error);
        self.close(id, ProposalStatus::Unknown, Some(by), None, None);
        if let Some(told) = told {
            self.push(RoomEvent::Told(Box::new(told)));
        }
    }

    /// Closes the open proposal when its time is over, but not while it is being shown: one thing at a time.
    fn expire(&mut self) -> bool {
        let late = self.state().facts.open.as_ref().filter(|open| open.is_late(self.now));
        let Some(id) = late.map(|open| open.proposal.id.clone()) else { return false };
        if matches!(next(self.state()), Some(Next::Preview(open)) if open.proposal.id == id) {
            return false;
        }
        self.close(&id, ProposalStatus::Expired, None, None, None);
        true
    }

    fn cancel(&mut self, by: &Asker, partial: &str) -> Result<(), Refusal> {
        inside(self.state(), &by.person.user)?;
        if matches!(next(self.state()), Some(Next::Answer { .. } | Next::Preview(_)))
            && let Some(mut told) = self.bot(words::stopped(partial), Ended::Cancelled)
        {
            told.partial = !partial.trim().is_empty();
            self.push(RoomEvent::Told(Box::new(told)));
        }
        Ok(())
    }

    fn add(&mut self, by: &Asker, member: &RoomMember) -> Result<(), Refusal> {
        owner(self.state(), &by.person.user)?;
        if self.state().is_inside(&member.user) {
            return Ok(());
        }
        let most = self.state().limits.members;
        if self.state().facts.members.len() >= most {
            return Err(Refusal::TooManyMembers(most));
        }
        let (member, by) = (member.clone(), by.clone());
        self.push(RoomEvent::Added(Box::new(Membership { member, by, at: self.now })));
        Ok(())
    }

    fn remove(&mut self, by: &Asker, user: &UserId) -> Result<(), Refusal> {
        let state = self.state();
        inside(state, &by.person.user)?;
        if by.person.user != *user {
            owner(state, &by.person.user)?;
        }
        if state.is_owner(user) {
            return Err(Refusal::Invalid("the owner stays; delete the room instead"));
        }
        let member = state.facts.members.iter().find(|member| member.user == *user).cloned();
        let member = member.ok_or(Refusal::NoSuchMember)?;
        self.push(RoomEvent::Removed(Box::new(Membership { member, by: by.clone(), at: self.now })));
        Ok(())
    }

    fn rename(&mut self, by: &Asker, title: &str) -> Result<(), Refusal> {
        owner(self.state(), &by.person.user)?;
        let title = Some(checked_title(title)?);
        if self.state().facts.title != title {
            let by = by.person.user.clone();
            self.push(RoomEvent::Changed(Changed { title, archived: None, by, at: self.now }));
        }
        Ok(())
    }

    fn archive(&mut self, by: &Asker, archived: bool) -> Result<(), Refusal> {
        owner(self.state(), &by.person.user)?;
        if self.state().facts.archived != archived {
            let by = by.person.user.clone();
            self.push(RoomEvent::Changed(Changed {
                title: None,
                archived: Some(archived),
                by,
                at: self.now,
            }));
        }
        Ok(())
    }

    fn close(
        &mut self,
        proposal: &ProposalId,
        status: ProposalStatus,
        by: Option<Asker>,
        reason: Option<String>,
        run: Option<crate::ids::RunId>,
    ) {
        let proposal = proposal.clone();
        let closed = Closed { proposal, status, by, reason, run, at: self.now };
        self.push(RoomEvent::Closed(Box::new(closed)));
    }

    /// The answer to the message that is first.
    fn bot(&self, text: String, ended: Ended) -> Option<BotMessage> {
        let in_reply_to = self.state().answering()?.said.message.clone();
        Some(BotMessage {
            message: MessageId::of_answer(&in_reply_to),
            in_reply_to,
            text: words::clean(&text),
            proposal: None,
            data: None,
            run: None,
            ended,
            error_code: None,
            partial: false,
            tokens: 0,
            at: self.now,
        })
    }

    fn reply(&self, text: String, ended: Ended) -> Option<RoomEvent> {
        self.bot(text, ended).map(|told| RoomEvent::Told(Box::new(told)))
    }
}

fn inside(state: &RoomState, user: &UserId) -> Result<(), Refusal> {
    if state.is_inside(user) { Ok(()) } else { Err(Refusal::NoSuchRoom) }
}

fn owner(state: &RoomState, user: &UserId) -> Result<(), Refusal> {
    inside(state, user)?;
    if state.is_owner(user) { Ok(()) } else { Err(Refusal::NotOwner) }
}

fn checked_title(title: &str) -> Result<String, Refusal> {
    let title = title.trim();
    let fits = (1..=TITLE).contains(&title.chars().count()) && !title.chars().any(char::is_control);
    if fits { Ok(title.to_owned()) } else { Err(Refusal::Invalid("a title has 1 to 255 characters")) }
}
