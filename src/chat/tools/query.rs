//! `run_query`: a saved query, read at once, shown, or carried out once.

use serde_json::{Map, Value, json};

use super::{
    cells,
    hands::{Inner, stored, told},
    rights::Caller,
    table, words,
};
use crate::{
    ai::{Called, Output, ToolError},
    auth::{Permission, Permissions},
    chat::{Answered, Proposal},
    datasource::{Effect, Glance, Glanced, Looked, QueryCall, Undone, Would},
    error::Code,
    ids::{DataQueryId, TenantId},
    store::{self, tables::keys},
};

/// Largest part of a request that is shown.
const SHOWN: usize = 4 << 10;
/// Where the proposals are noted that were carried out.
const CLAIMS: &str = "chat.proposal";
/// What is missing when it is another tenant's.
const QUERY: &str = "query";

/// Refuses inputs that have no definition: they would be dropped without a word.
pub(super) fn all_known(given: &Map<String, Value>, resolved: &Map<String, Value>) -> Result<(), ToolError> {
    let unknown: Vec<String> =
        given.keys().filter(|key| !resolved.contains_key(*key)).map(|key| cells::line(key, 80)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let known: Vec<String> = resolved.keys().map(|key| cells::line(key, 80)).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(ToolError::Invalid(words::error(&format!(
        "there is no input {}; the inputs are: {known}",
        unknown.join(", ")
    ))))
}

impl Inner {
    /// A query of the tenant with the inputs that it would run with; connects to nothing.
    async fn look(
        &self,
        caller: &Caller,
        query: &DataQueryId,
        inputs: &Map<String, Value>,
    ) -> Result<Looked, ToolError> {
        let looked = self.sources.look(&caller.tenant, query, inputs).await;
        let looked = looked.map_err(|error| told(&error, QUERY))?;
        all_known(inputs, &looked.inputs)?;
        Ok(looked)
    }

    fn call_of(&self, caller: &Caller, query: &DataQueryId, inputs: &Map<String, Value>) -> QueryCall {
        QueryCall {
            tenant: caller.tenant.clone(),
            query: query.clone(),
            inputs: inputs.clone(),
            run: None,
            node: None,
            idempotency_key: None,
            timeout: self.timeout(),
        }
    }

    /// What it would do, in words.
    pub(super) async fn about_query(
        &self,
        caller: &Caller,
        query: &DataQueryId,
        inputs: &Map<String, Value>,
    ) -> Result<String, ToolError> {
        let looked = self.look(caller, query, inputs).await?;
        let (title, inputs) = (words::named(&looked.title), words::with_inputs(&looked.inputs));
        Ok(match looked.effect {
            Effect::Reads => format!("run the query {title}{inputs}"),
            Effect::MayWrite => format!("run the query {title}, which may change something,{inputs}")
                .trim_end_matches(',')
                .to_owned(),
        })
    }

    /// Whether it can change anything; what is not known can.
    pub(super) async fn may_write(&self, tenant: &TenantId, query: &DataQueryId) -> bool {
        !matches!(self.sources.effect(tenant, query).await, Ok(Some(Effect::Reads)))
    }

    /// Runs one that only reads.
    pub(super) async fn read_query(
        &self,
        caller: &Caller,
        query: &DataQueryId,
        inputs: &Map<String, Value>,
    ) -> Called {
        if self.look(caller, query, inputs).await?.effect == Effect::MayWrite {
            return Err(ToolError::NeedsConsent);
        }
        // Decided once more on what is run: it may have been saved anew in between.
        match self.sources.glance(self.call_of(caller, query, inputs), self.ai.max_rows).await {
            Ok(glance) => Ok(self.output(glance)),
            Err(Glanced::MayWrite) => Err(ToolError::NeedsConsent),
            Err(Glanced::Failed(error)) => Err(told(&error, QUERY)),
        }
    }

    /// Runs what a person approved. One with an effect is sent at most once a proposal, whoever asks again.
    pub(super) async fn run_query(
        &self,
        caller: &Caller,
        proposal: &Proposal,
        query: &DataQueryId,
        inputs: &Map<String, Value>,
    ) -> Answered {
        match self.read_query(caller, query, inputs).await {
            Ok(output) => return Answered::Done(Box::new(output)),
            Err(ToolError::NeedsConsent) => {}
            Err(error) => return Answered::Failed(error),
        }
        match self.claim(proposal).await {
            Ok(true) => {}
            Ok(false) => {
                let message = "it was begun before".to_owned();
                return Answered::Unknown(ToolError::Failed { code: Code::Conflict, message });
            }
            // Nothing was sent.
            Err(error) => return Answered::Failed(error),
        }
        let key = Some(proposal.id.as_str().into());
        let call = QueryCall { idempotency_key: key, ..self.call_of(caller, query, inputs) };
        match self.sources.carry_out(call, self.ai.max_rows).await {
            Ok(glance) => Answered::Done(Box::new(self.output(glance))),
            Err(Undone { error, sent: true }) => Answered::Unknown(told(&error, QUERY)),
            Err(Undone { error, sent: false }) => Answered::Failed(told(&error, QUERY)),
        }
    }

    /// Whether this is the first time that the proposal is carried out; noted before anything is sent.
    async fn claim(&self, proposal: &Proposal) -> Result<bool, ToolError> {
        let (key, at) = (proposal.id.as_str().to_owned(), self.clock.now());
        let noted = self.store.write(move |db| keys::insert_idempotent(db, CLAIMS, &key, "{}", at)).await;
        match noted {
            Ok(()) => Ok(true),
            Err(store::Error::Duplicate(_)) => Ok(false),
            Err(error) => Err(stored(&error)),
        }
    }

    /// The first rows of one that only reads; what another would send, which is not sent.
    pub(super) async fn show_query(
        &self,
        caller: &Caller,
        permissions: Permissions,
        query: &DataQueryId,
        inputs: &Map<String, Value>,
    ) -> Called {
        match self.read_query(caller, query, inputs).await {
            Err(ToolError::NeedsConsent) => {}
            answered => return answered,
        }
        let looked = self.look(caller, query, inputs).await?;
        // Who may run a query need not be one of those who may see how it is made.
        let may_see = permissions.contains(Permission::DataQueryRead);
        Ok(shown(&looked, may_see, self.ai.max_rows))
    }

    /// An answer of a source as what the chat and a model see of it.
    pub(super) fn output(&self, glance: Glance) -> Output {
        let Glance { columns, rows, truncated, value } = glance;
        let (most, bytes) = (self.ai.max_rows, self.ai.max_result.get());
        let changed = value.as_ref().and_then(|value| value.get("rowCount")).and_then(Value::as_u64);
        if columns.is_empty()
            && rows.is_empty()
            && let Some(value) = value
        {
            let text = changed.map_or_else(|| "It answered.".to_owned(), words::changed);
            let data = table::of_value(&value, most);
            return Output { text, data: Some(data), run: None, value: table::fitting(&value, bytes) };
        }
        let data = table::of_rows(&columns, &rows, truncated, most);
        let mut text = words::rows(data.rows.len(), data.truncated);
        if let Some(count) = changed {
            text = format!("{} {text}", words::changed(count));
        }
        let value = table::for_model(&data, bytes);
        Output { text, data: Some(data), run: None, value }
    }
}

/// What would be sent.
fn shown(looked: &Looked, may_see: bool, most: usize) -> Output {
    let title = words::named(&looked.title);
    let mut shown = Map::new();
    let mut text = match &looked.would {
        _ if !may_see => format!("It would run {title}."),
        Would::Statement { statement, parameters } => {
            shown.insert("statement".to_owned(), Value::String(statement.clone()));
            for (at, parameter) in parameters.iter().enumerate() {
                shown.insert(format!("parameter {}", at + 1), parameter.clone());
            }
            format!("It would run {title}:\n{}", cells::text(statement, SHOWN))
        }
        Would::Request { method, url, headers, body } => {
            shown.insert("method".to_owned(), json!(method));
            shown.insert("url".to_owned(), json!(url));
            for (name, value) in headers {
                shown.insert(format!("header {name}"), json!(value));
            }
            let mut text = format!("It would send for {title}:\n{method} {}", cells::line(url, SHOWN));
            for (name, value) in headers {
                text.push_str(&format!("\n{}: {}", cells::line(name, 200), cells::line(value, 200)));
            }
            if let Some(body) = body {
                shown.insert("body".to_owned(), json!(body));
                text.push_str(&format!("\n\n{}", cells::text(body, SHOWN)));
            }
            text
        }
        Would::Service => format!("It would ask the query service for {title}."),
    };
    let inputs = words::with_inputs(&looked.inputs);
    if !inputs.is_empty() {
        text.push_str(&format!("\nIt would run{inputs}."));
    }
    text.push_str("\nNothing was run or sent.");
    let value = table::fitting(&Value::Object(shown.clone()), SHOWN);
    let data = (!shown.is_empty()).then(|| table::of_members(&shown, most));
    Output { text, data, run: None, value }
}
