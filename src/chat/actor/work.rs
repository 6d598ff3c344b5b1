//! What takes time: a turn of the assistant, a preview, what a person approved. One at a time a room.

use std::{panic::AssertUnwindSafe, sync::Arc};

use actix::{ActorFutureExt, AsyncContext, Context, SpawnHandle, WrapFuture};
use futures_util::FutureExt;
use jiff::tz::TimeZone;
use parking_lot::Mutex;

use super::{
    commit::Work,
    shell::{Phase, RoomActor},
};
use crate::{
    ai::{self, Failure, Tell, ToolCall, ToolError, Turn},
    chat::{
        Answered, Proposal, frames,
        hub::{Hub, subject},
        room::{Ask, Effect, RoomCommand as Decide, RoomState},
    },
    crash_point,
    error::Code,
    ids::MessageId,
    metrics::{TurnLabel, metrics},
    store::tables::tenants,
};

/// What is under way.
pub(super) struct Job {
    pub(super) message: MessageId,
    handle: SpawnHandle,
    /// The part of the answer that was told.
    pub(super) told: Arc<Mutex<String>>,
    /// It carries out what a person approved: it is not broken off.
    pub(super) is_effect: bool,
}

impl RoomActor {
    /// Begins what an effect wants, after its commit.
    pub(super) fn carry_out(&mut self, effects: Vec<Effect>, ctx: &mut Context<Self>) {
        for effect in effects {
            match effect {
                Effect::Answer(ask) => {
                    let message = ask.message.clone();
                    let told = Arc::new(Mutex::new(String::new()));
                    let Phase::Alive(alive) = &self.phase else { return };
                    let (hub, state, growing) =
                        (Arc::clone(&self.hub), alive.state.clone(), Arc::clone(&told));
                    let id = ask.message.clone();
                    let turn = guarded(answer(hub, state, *ask, growing), move || {
                        let error = ai::Error::Internal("the assistant panicked".to_owned());
                        Decide::Failed { message: id, failure: error.into() }
                    });
                    self.begin_job(message, told, false, turn, ctx);
                }
                Effect::Preview { message, person, proposal } => {
                    let Phase::Alive(alive) = &self.phase else { return };
                    let shown = self.hub.hands.preview(proposal, person, alive.state.tenant().clone());
                    let (limit, id, lost) = (self.hub.turn_timeout, message.clone(), message.clone());
                    let shown = async move {
                        let result = tokio::time::timeout(limit, shown).await;
                        let result = result.unwrap_or_else(|_| Err(failed("it took too long")));
                        Decide::Previewed { message: id, result: Box::new(result) }
                    };
                    let shown = guarded(shown, move || Decide::Previewed {
                        message: lost,
                        result: Box::new(Err(failed("something failed inside the hub"))),
                    });
                    self.begin_job(message, Arc::default(), false, shown, ctx);
                }
                Effect::CarryOut { message, person, proposal, again } => {
                    let Phase::Alive(alive) = &self.phase else { return };
                    let tenant = alive.state.tenant().clone();
                    let (hub, id) = (Arc::clone(&self.hub), proposal.id.clone());
                    let done = async move {
                        if again && !may_be_repeated(&hub, &proposal, &tenant).await {
                            return Decide::Unknown { proposal: proposal.id.clone() };
                        }
                        let id = proposal.id.clone();
                        crash_point!("proposal.before_effect");
                        let answered: Answered = hub.hands.carry_out(proposal, person, tenant).await;
                        crash_point!("proposal.after_effect");
                        Decide::CarriedOut { proposal: id, answered: Box::new(answered) }
                    };
                    let done = guarded(done, move || Decide::Unknown { proposal: id });
                    self.begin_job(message, Arc::default(), true, done, ctx);
                }
                Effect::Interrupt { message } => {
                    if self.job.as_ref().is_some_and(|job| job.message == message && !job.is_effect) {
                        self.stop_job(ctx);
                    }
                }
                Effect::SetTimer { proposal, due_at } => {
                    self.hub.timers.set(self.life.id(), proposal.as_str(), due_at);
                }
                Effect::Tell { .. } | Effect::ClearTimer { .. } | Effect::Audit(_) => {}
            }
        }
    }

    fn begin_job(
        &mut self,
        message: MessageId,
        told: Arc<Mutex<String>>,
        is_effect: bool,
        job: impl Future<Output = Decide> + 'static,
        ctx: &mut Context<Self>,
    ) {
        if self.finishing {
            // The next child begins it.
            return;
        }
        let id = message.clone();
        let handle = ctx.spawn(job.into_actor(self).map(move |decide, actor, ctx| {
            if actor.job.as_ref().is_some_and(|job| job.message == id) {
                actor.job = None;
            }
            actor.inbox.push_back(Work::by_hub(decide, actor.hub.clock.monotonic()));
            actor.pump(ctx);
        }));
        self.job = Some(Job { message, handle, told, is_effect });
    }

    /// Breaks off what is under way; its result is wanted by nobody.
    pub(super) fn stop_job(&mut self, ctx: &mut Context<Self>) {
        if let Some(job) = self.job.take() {
            ctx.cancel_future(job.handle);
        }
    }
}

/// A start of a workflow has the proposal's id as its key; what changes nothing may be done twice.
async fn may_be_repeated(hub: &Hub, proposal: &Proposal, tenant: &crate::ids::TenantId) -> bool {
    matches!(proposal.call, ToolCall::StartWorkflow { .. })
        || !hub.hands.has_effect(proposal.call.clone(), tenant.clone()).await
}

fn failed(words: &str) -> ToolError {
    ToolError::Failed { code: Code::ServerError, message: words.to_owned() }
}

/// A panic of what is not ours to know ends one turn, not the room.
async fn guarded(job: impl Future<Output = Decide>, lost: impl FnOnce() -> Decide) -> Decide {
    match AssertUnwindSafe(job).catch_unwind().await {
        Ok(decide) => decide,
        Err(_) => lost(),
    }
}

/// One turn: waits for a place, then asks the assistant.
async fn answer(hub: Arc<Hub>, state: RoomState, ask: Ask, growing: Arc<Mutex<String>>) -> Decide {
    let message = ask.message.clone();
    let tenant = state.tenant().clone();
    let assistant = hub.assistants.of(&tenant);
    let (result, outcome, seconds) = match hub.places.wait(&tenant).await {
        None => (Err(ai::Error::Internal("the hub ends".to_owned()).into()), "error", 0.0),
        Some(_place) => {
            let since = hub.clock.monotonic();
            let result = ask_assistant(&hub, &state, &ask, &growing, &*assistant).await;
            let outcome = match &result {
                Ok(_) => "ok",
                Err(Failure { error: ai::Error::Limited(_), .. }) => "limited",
                Err(Failure { error: ai::Error::Late(_), .. }) => "late",
                Err(_) => "error",
            };
            (result, outcome, hub.clock.monotonic().saturating_duration_since(since).as_secs_f64())
        }
    };
    let label = TurnLabel { assistant: assistant.name(), outcome };
    metrics().chat.turns.get_or_create(&label).inc();
    metrics().chat.turn_seconds.observe(seconds);
    match result {
        Err(failure) => Decide::Failed { message, failure },
        Ok(mut answer) => {
            if let Some(draft) = &mut answer.proposal {
                draft.seal = hub.hands.seal(draft.call.clone(), tenant.clone()).await;
            }
            let mut preview = None;
            if ask.preview
                && let Some(draft) = &answer.proposal
            {
                let proposal = state.propose(&message, draft.clone(), hub.clock.now());
                let shown = hub.hands.preview(Arc::new(proposal), ask.person.clone(), tenant);
                let shown = tokio::time::timeout(hub.turn_timeout, shown).await;
                preview = Some(Box::new(shown.unwrap_or_else(|_| Err(failed("it took too long")))));
            }
            Decide::Answered { message, answer: Box::new(answer), preview }
        }
    }
}

async fn ask_assistant(
    hub: &Arc<Hub>,
    state: &RoomState,
    ask: &Ask,
    growing: &Arc<Mutex<String>>,
    assistant: &dyn ai::Assistant,
) -> Result<ai::Answer, Failure> {
    let (tenant, room) = (state.tenant().clone(), state.room().clone());
    let most = state.limits().tokens;
    if most > 0 && ask.tokens >= most {
        let words = "this room has used all of its tokens (ai.room_tokens), please begin a new one";
        return Err(ai::Error::Limited(words.to_owned()).into());
    }
    hub.assistants.take(&tenant, &ask.person.user)?;
    let rights = hub.hands.rights(ask.person.clone(), tenant.clone()).await;
    let key = tenant.clone();
    let found = hub.store.read(move |db| tenants::find(db, &key)).await.ok().flatten();
    let timezone = found.and_then(|tenant| TimeZone::get(&tenant.timezone).ok()).unwrap_or(TimeZone::UTC);
    let turn = Turn {
        tenant: tenant.clone(),
        room: room.clone(),
        message: ask.message.clone(),
        person: ask.person.clone(),
        text: ask.text.clone(),
        history: ask.history.clone(),
        now: hub.clock.now(),
        timezone,
        may_query: rights.query,
        may_execute: rights.execute,
        auto_run: hub.assistants.auto_run(&tenant) && !ask.propose_only,
        tokens: ask.tokens,
    };
    let desk = hub.hands.desk(ask.person.clone(), tenant, room.clone());
    let answer = assistant.answer(turn, desk, tell(hub, room, ask.message.clone(), Arc::clone(growing)));
    match tokio::time::timeout(hub.turn_timeout, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(Failure {
            error: ai::Error::Late(hub.turn_timeout.as_secs()),
            partial: growing.lock().clone(),
            tokens: 0,
        }),
    }
}

/// Whispers each piece to the members that asked for it.
fn tell(
    hub: &Arc<Hub>,
    room: crate::ids::ChatRoomId,
    message: MessageId,
    growing: Arc<Mutex<String>>,
) -> Tell {
    let shards = hub.shards.clone();
    let subject = subject(&room);
    Arc::new(move |piece: &str| {
        growing.lock().push_str(piece);
        if shards.members(&subject) > 0
            && let Ok(frame) = frames::delta(&room, &message, piece)
        {
            shards.whisper(&subject, frame);
        }
        crash_point!("llm.mid_stream");
    })
}
