//! The assistant that answers from the catalogue alone. Deterministic; it calls nobody but the desk.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::{
    Catalogue, Hit, Subject,
    fill::Message,
    talk::{self, Doing, Reply, State, say},
};
use crate::{
    ai::{Answer, Assistant, Desk, Draft, Error, Failure, Tell, ToolCall, ToolError, Turn},
    ids::RunId,
};

/// Most entries that are looked at.
const FOUND: usize = 12;
/// Most entries that a list names.
const LISTED: usize = 10;
/// Most that are named when nothing fits.
const NEAR: usize = 3;

/// Answers from the catalogue.
#[derive(Debug, Clone)]
pub struct CatalogueAssistant {
    catalogue: Catalogue,
}

impl CatalogueAssistant {
    /// Over a catalogue.
    pub fn new(catalogue: Catalogue) -> Self {
        Self { catalogue }
    }
}

impl Assistant for CatalogueAssistant {
    fn name(&self) -> &'static str {
        "catalogue"
    }

    fn answer(
        &self,
        turn: Turn,
        desk: Arc<dyn Desk>,
        tell: Tell,
    ) -> BoxFuture<'static, Result<Answer, Failure>> {
        let assistant = self.clone();
        Box::pin(async move {
            let answer = Box::pin(assistant.turn(&turn, desk.as_ref())).await?;
            tell(&answer.text);
            Ok(answer)
        })
    }
}

impl CatalogueAssistant {
    async fn turn(&self, turn: &Turn, desk: &dyn Desk) -> Result<Answer, Error> {
        if !turn.may_query && !turn.may_execute {
            return Ok(words(say::NO_RIGHTS.to_owned()));
        }
        let mut state = State::default();
        for heard in talk::heard(turn) {
            let hits = self.hits(turn, &state, &heard.message).await?;
            let (next, reply) = talk::step(state, &heard.message, &hits);
            let Some(told) = &heard.told else { return self.reply(turn, desk, reply).await };
            // What there is may have changed since: a number of the old list means nothing in the new one.
            let is_same = !matches!((&next, &reply), (State::Which { .. }, Reply::Words(asked)) if !told.contains(asked.as_str()));
            state = if is_same { next } else { State::Idle };
        }
        Err(Error::Internal("a turn without a message".to_owned()))
    }

    async fn hits(&self, turn: &Turn, state: &State, message: &Message) -> Result<Vec<Hit>, Error> {
        if !talk::wants(state, message) {
            return Ok(Vec::new());
        }
        let said = message.telling().join(" ");
        self.catalogue.search(&turn.tenant, &said, turn.may_query, turn.may_execute, FOUND).await
    }

    async fn reply(&self, turn: &Turn, desk: &dyn Desk, reply: Reply) -> Result<Answer, Error> {
        let some = async |most: usize| {
            let mut found =
                self.catalogue.entries(&turn.tenant, turn.may_query, turn.may_execute, most + 1).await?;
            let more = found.len() > most;
            found.truncate(most);
            Ok::<_, Error>((found, more))
        };
        Ok(match reply {
            Reply::Words(text) => words(text),
            Reply::List(first) => {
                let (entries, more) = some(LISTED).await?;
                words(say::list(first, &entries, more))
            }
            Reply::Nothing(mut near) => {
                near.truncate(NEAR);
                let entries = if near.is_empty() { some(NEAR).await?.0 } else { Vec::new() };
                words(say::nothing(&near, &entries))
            }
            Reply::Look(run) => look(turn, desk, run).await,
            Reply::Do(doing) => run(turn, desk, &doing).await,
        })
    }
}

fn words(text: String) -> Answer {
    Answer { text, ..Answer::default() }
}

/// Runs what has no effect, proposes the rest.
async fn run(turn: &Turn, desk: &dyn Desk, doing: &Doing) -> Answer {
    let call = doing.entry.call(doing.inputs.clone());
    if turn.auto_run && matches!(doing.entry.subject, Subject::Query(_)) {
        match desk.call(call.clone()).await {
            Ok(output) => {
                let text = say::ran(doing, &output.text);
                return Answer { text, data: output.data, run: output.run, ..Answer::default() };
            }
            Err(ToolError::NeedsConsent) => {}
            Err(error) => return words(say::refused(&say::with(doing), &error)),
        }
    }
    propose(desk, call, &say::with(doing), Some(doing)).await
}

/// Where a run is.
async fn look(turn: &Turn, desk: &dyn Desk, run: RunId) -> Answer {
    let call = ToolCall::ReadRun { run };
    if turn.auto_run {
        match desk.call(call.clone()).await {
            Ok(output) => {
                return Answer { text: output.text, data: output.data, run: output.run, ..Answer::default() };
            }
            Err(ToolError::NeedsConsent) => {}
            Err(error) => return words(say::refused("The run", &error)),
        }
    }
    propose(desk, call, "The run", None).await
}

async fn propose(desk: &dyn Desk, call: ToolCall, what: &str, doing: Option<&Doing>) -> Answer {
    match desk.check(call.clone()).await {
        Ok(summary) => {
            let text = say::proposed(&summary, doing);
            Answer { text, proposal: Some(Draft { call, summary, seal: None }), ..Answer::default() }
        }
        Err(error) => words(say::refused(what, &error)),
    }
}
