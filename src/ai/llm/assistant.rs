//! A turn with a model: calls of tools until there is an answer, or something to propose.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    chunk::{Call, Reply, floor},
    endpoint::{Endpoint, Trouble},
    prompt::{Fence, system, talk},
    tools::{Found, read, schemas},
};
use crate::{
    ai::{Answer, Assistant, Desk, Draft, Error, Failure, Output, Tell, Tool, ToolCall, ToolError, Turn},
    config::sections::Ai,
    metrics::{KindLabel, Reason, metrics},
};

/// Calls that a model may get wrong in a turn (`faults.md` A63).
const MOST_WRONG: usize = 3;
/// First wait before another try, when the endpoint names none; doubles.
const AGAIN: Duration = Duration::from_millis(250);

/// Asks a model.
#[derive(Clone)]
pub struct LlmAssistant {
    inner: Arc<Inner>,
}

struct Inner {
    endpoint: Endpoint,
    settings: Ai,
}

/// What was told and counted so far: it must outlive a turn that is cut off by its time.
#[derive(Default)]
struct Account {
    text: String,
    tokens: u64,
}

impl LlmAssistant {
    /// Over an endpoint, within the bounds of `[ai]`.
    pub fn new(endpoint: Endpoint, settings: Ai) -> Self {
        Self { inner: Arc::new(Inner { endpoint, settings }) }
    }
}

impl Assistant for LlmAssistant {
    fn name(&self) -> &'static str {
        "llm"
    }

    fn answer(
        &self,
        turn: Turn,
        desk: Arc<dyn Desk>,
        tell: Tell,
    ) -> BoxFuture<'static, Result<Answer, Failure>> {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move {
            let account = Arc::new(Mutex::new(Account::default()));
            let most = *inner.settings.turn_timeout;
            let told: Tell = {
                let account = Arc::clone(&account);
                Arc::new(move |piece: &str| {
                    account.lock().text.push_str(piece);
                    tell(piece);
                })
            };
            let course = Course { tell: told.as_ref(), account: &account, until: Instant::now() + most };
            let work = inner.turn(&turn, desk.as_ref(), &course);
            let outcome = match tokio::time::timeout(most, Box::pin(work)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(Error::Late(most.as_secs())),
            };
            let Account { text, tokens } = std::mem::take(&mut *account.lock());
            match outcome {
                Ok(answer) => Ok(Answer { tokens, ..answer }),
                Err(error) => Err(Failure { error, partial: text, tokens }),
            }
        })
    }
}

/// What goes along with a turn.
struct Course<'a> {
    tell: &'a (dyn Fn(&str) + Send + Sync),
    account: &'a Mutex<Account>,
    /// The turn's own end.
    until: Instant,
}

/// What a call of a tool comes to.
enum Done {
    /// For the model to read on.
    Read(Value),
    /// For a person to decide.
    Proposed(Draft),
    /// The model got it wrong.
    Wrong(String),
}

impl Inner {
    async fn turn(&self, turn: &Turn, desk: &dyn Desk, course: &Course<'_>) -> Result<Answer, Error> {
        let mut found = Found::default();
        let catalogue = match desk.call(ToolCall::SearchCatalogue { text: turn.text.clone() }).await {
            Ok(output) => {
                found.take(&output.value);
                output.value.to_string()
            }
            Err(_) => "[nothing]".to_owned(),
        };
        let fence = Fence::new(&uuid::Uuid::new_v4().simple().to_string());
        let bytes = self.settings.context_tokens.saturating_mul(4);
        let mut messages = vec![system(turn, &catalogue, &fence)];
        messages.extend(talk(turn, &fence, bytes));
        let (mut calls, mut wrong) = (0, 0);
        let mut answer = Answer::default();
        loop {
            let most = self.settings.max_output.get().saturating_sub(answer.text.len());
            let reply = self.ask(&messages, &schemas(&found), most, course).await?;
            if reply.cut {
                return Err(Error::Endless(self.settings.max_output));
            }
            join(&mut answer.text, &reply.text);
            if reply.calls.is_empty() {
                if answer.text.trim().is_empty() {
                    return Err(Error::Endpoint("answered with nothing".to_owned()));
                }
                return Ok(answer);
            }
            messages.push(asked(&reply));
            for call in &reply.calls {
                calls += 1;
                if calls > self.settings.tool_calls {
                    return Err(Error::Circles);
                }
                let content = match self.carry_out(call, turn, desk, &mut found, &mut answer).await {
                    Done::Proposed(draft) => {
                        if answer.text.trim().is_empty() {
                            answer.text = format!(
                                "{} Approve it, reject it, or test it first.",
                                sentence(&draft.summary)
                            );
                        }
                        answer.proposal = Some(draft);
                        return Ok(answer);
                    }
                    Done::Read(value) => fence.around(&value.to_string(), self.settings.max_result.get()),
                    Done::Wrong(words) => {
                        wrong += 1;
                        if wrong > MOST_WRONG {
                            return Err(Error::Circles);
                        }
                        // They may carry what stands in a database: a message of it, a title.
                        format!("error: {}", fence.around(&words, self.settings.max_result.get()))
                    }
                };
                messages.push(json!({ "role": "tool", "tool_call_id": call.id, "content": content }));
            }
            if !reply.text.is_empty() {
                (course.tell)("\n\n");
            }
        }
    }

    /// Asks until there is an answer: again only while nothing of it was told, and while the turn's time lasts.
    async fn ask(
        &self,
        messages: &[Value],
        tools: &[Value],
        most: usize,
        course: &Course<'_>,
    ) -> Result<Reply, Error> {
        let mut tries = 0;
        loop {
            let mut reply = Reply::default();
            let outcome = self.endpoint.ask(messages, tools, most, &mut reply, course.tell).await;
            count(&reply, messages, course.account);
            let Err(trouble) = outcome else {
                let reason = if reply.cut { "endless" } else { "ok" };
                metrics().ai.calls.get_or_create(&Reason { reason }).inc();
                return Ok(reply);
            };
            metrics().ai.calls.get_or_create(&Reason { reason: trouble.reason }).inc();
            let Trouble { words, retry, .. } = trouble;
            let own = AGAIN.saturating_mul(2_u32.saturating_pow(tries));
            // Who waits for longer than the turn has would only say later that there is no answer.
            let left = course.until.saturating_duration_since(Instant::now());
            let wait = retry.map(|after| after.unwrap_or(own)).filter(|wait| *wait < left);
            match wait {
                Some(wait) if reply.text.is_empty() && tries < self.settings.retries => {
                    tokio::time::sleep(wait).await;
                    tries += 1;
                }
                _ => {
                    log::warn!(tries; "the assistant's endpoint {words}");
                    return Err(Error::Endpoint(words));
                }
            }
        }
    }

    async fn carry_out(
        &self,
        call: &Call,
        turn: &Turn,
        desk: &dyn Desk,
        found: &mut Found,
        answer: &mut Answer,
    ) -> Done {
        let noted = |reason: &'static str| metrics().ai.tools.get_or_create(&Reason { reason }).inc();
        let wanted = match read(call) {
            Ok(wanted) => wanted,
            Err(words) => {
                noted("wrong");
                return Done::Wrong(words);
            }
        };
        let at_once = turn.auto_run || wanted.tool() == Tool::SearchCatalogue;
        let called = if at_once { desk.call(wanted.clone()).await } else { Err(ToolError::NeedsConsent) };
        match called {
            Ok(output) => {
                noted("ok");
                let Output { data, run, value, .. } = output;
                if wanted.tool() == Tool::SearchCatalogue {
                    found.take(&value);
                }
                answer.data = data.or(answer.data.take());
                answer.run = run.or(answer.run.take());
                Done::Read(value)
            }
            Err(ToolError::NeedsConsent) => match desk.check(wanted.clone()).await {
                Ok(summary) => {
                    noted("proposed");
                    Done::Proposed(Draft { call: wanted, summary, seal: None })
                }
                Err(error) => {
                    noted("refused");
                    Done::Wrong(error.to_string())
                }
            },
            Err(error) => {
                noted("refused");
                Done::Wrong(error.to_string())
            }
        }
    }
}

/// The model's own words and calls, as it must read them again.
fn asked(reply: &Reply) -> Value {
    let calls: Vec<Value> = reply
        .calls
        .iter()
        .map(|call| json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": call.arguments } }))
        .collect();
    json!({ "role": "assistant", "content": reply.text, "tool_calls": calls })
}

/// Tokens as the endpoint counts them; where it does not, four bytes are one.
fn count(reply: &Reply, messages: &[Value], account: &Mutex<Account>) {
    let guess = |bytes: usize| u64::try_from(bytes.div_ceil(4)).unwrap_or(u64::MAX);
    let (read, written) = match reply.usage {
        Some(usage) => (usage.prompt_tokens, usage.completion_tokens),
        None if reply.bytes() == 0 => (0, 0),
        None => (guess(messages.iter().map(|message| message.to_string().len()).sum()), guess(reply.bytes())),
    };
    metrics().ai.tokens.get_or_create(&KindLabel { kind: "in" }).inc_by(read);
    metrics().ai.tokens.get_or_create(&KindLabel { kind: "out" }).inc_by(written);
    let mut account = account.lock();
    account.tokens = account.tokens.saturating_add(read).saturating_add(written);
}

fn join(text: &mut String, more: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(more);
}

/// A summary as a sentence of its own.
fn sentence(summary: &str) -> String {
    let text = floor(summary.trim(), 2000);
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}
