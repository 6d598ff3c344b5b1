//! The door: what a room asks of its hands.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;

use super::{Host, draft, rights::Caller, words};
use crate::{
    ai::{Called, Desk, Person, ToolCall, ToolError, catalogue::Catalogue},
    auth::{Auth, Permission, Permissions},
    chat::{Answered, Hands, Proposal, Rights},
    clock::Clock,
    config::sections,
    datasource::{self, DataSources},
    error::{Code, Coded},
    ids::{ChatRoomId, TenantId},
    store::{self, Store},
};

/// Largest call, as it would be journaled.
const MOST: usize = 16 << 10;

/// What tools are built on.
pub struct Parts {
    /// Who may do what.
    pub auth: Auth,
    /// Saved queries.
    pub sources: DataSources,
    /// Workflows.
    pub host: Arc<dyn Host>,
    /// What tenants have, by its words.
    pub catalogue: Catalogue,
    /// Titles of data sources.
    pub store: Store,
    /// `[ai]`.
    pub ai: sections::Ai,
    /// The time.
    pub clock: Clock,
}

/// Does what assistants ask for and what people approve. Cheap to clone.
#[derive(Clone)]
pub struct Tools {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub auth: Auth,
    pub sources: DataSources,
    pub host: Arc<dyn Host>,
    pub catalogue: Catalogue,
    pub store: Store,
    pub ai: sections::Ai,
    pub clock: Clock,
}

impl Tools {
    /// Asks nobody yet.
    pub fn new(parts: Parts) -> Self {
        let Parts { auth, sources, host, catalogue, store, ai, clock } = parts;
        Self { inner: Arc::new(Inner { auth, sources, host, catalogue, store, ai, clock }) }
    }
}

impl Hands for Tools {
    fn rights(&self, person: Person, tenant: TenantId) -> BoxFuture<'static, Rights> {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move {
            let permissions = inner.needs(&Caller { person, tenant }, &[]).await.unwrap_or_default();
            Rights {
                query: permissions.contains(Permission::DataQueryExecute),
                execute: permissions.contains(Permission::WorkflowExecute),
            }
        })
    }

    fn desk(&self, person: Person, tenant: TenantId, _: ChatRoomId) -> Arc<dyn Desk> {
        Arc::new(AtDesk { inner: Arc::clone(&self.inner), caller: Caller { person, tenant } })
    }

    fn carry_out(
        &self,
        proposal: Arc<Proposal>,
        person: Person,
        tenant: TenantId,
    ) -> BoxFuture<'static, Answered> {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move { inner.carry_out(&Caller { person, tenant }, &proposal).await })
    }

    fn preview(
        &self,
        proposal: Arc<Proposal>,
        person: Person,
        tenant: TenantId,
    ) -> BoxFuture<'static, Called> {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move { inner.preview(&Caller { person, tenant }, &proposal).await })
    }

    fn seal(&self, call: ToolCall, tenant: TenantId) -> BoxFuture<'static, Option<String>> {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move { inner.seal(&tenant, &call).await })
    }

    fn has_effect(&self, call: ToolCall, tenant: TenantId) -> BoxFuture<'static, bool> {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move {
            match call {
                ToolCall::RunQuery { query, .. } => inner.may_write(&tenant, &query).await,
                ToolCall::StartWorkflow { .. } => true,
                // A draft only reads, however it is written.
                ToolCall::DraftQuery { .. } | ToolCall::ReadRun { .. } | ToolCall::SearchCatalogue { .. } => {
                    false
                }
            }
        })
    }
}

/// Where the calls of one turn are carried out.
struct AtDesk {
    inner: Arc<Inner>,
    caller: Caller,
}

impl Desk for AtDesk {
    fn call(&self, call: ToolCall) -> BoxFuture<'static, Called> {
        let (inner, caller) = (Arc::clone(&self.inner), self.caller.clone());
        Box::pin(async move { inner.call(&caller, &call).await })
    }

    fn check(&self, call: ToolCall) -> BoxFuture<'static, Result<String, ToolError>> {
        let (inner, caller) = (Arc::clone(&self.inner), self.caller.clone());
        Box::pin(async move { inner.check(&caller, &call).await })
    }
}

impl Inner {
    /// What an assistant asks for: carried out when it has no effect.
    async fn call(&self, caller: &Caller, call: &ToolCall) -> Called {
        let is_search = matches!(call, ToolCall::SearchCatalogue { .. });
        if !is_search && !self.auto_run(&caller.tenant) {
            self.check(caller, call).await?;
            return Err(ToolError::NeedsConsent);
        }
        let permissions = self.admit(caller, call).await?;
        match call {
            ToolCall::RunQuery { query, inputs } => self.read_query(caller, query, inputs).await,
            ToolCall::ReadRun { run } => self.read_run(caller, permissions, run).await,
            ToolCall::SearchCatalogue { text } => self.search(caller, permissions, text).await,
            ToolCall::StartWorkflow { workflow, inputs } => {
                self.plan(caller, workflow, inputs).await?;
                Err(ToolError::NeedsConsent)
            }
            ToolCall::DraftQuery { source, statement } => {
                self.check_draft(caller, source, statement).await?;
                Err(ToolError::NeedsConsent)
            }
        }
    }

    /// Whether it could be proposed, and what it would do in words.
    async fn check(&self, caller: &Caller, call: &ToolCall) -> Result<String, ToolError> {
        let permissions = self.admit(caller, call).await?;
        match call {
            ToolCall::RunQuery { query, inputs } => self.about_query(caller, query, inputs).await,
            ToolCall::StartWorkflow { workflow, inputs } => {
                let (plan, inputs) = self.plan(caller, workflow, inputs).await?;
                let (title, inputs) = (words::named(&plan.title), words::with_inputs(&inputs));
                Ok(format!("start the workflow {title}{inputs}"))
            }
            ToolCall::ReadRun { run } => {
                let seen = self.run_of(caller, permissions, run).await?;
                Ok(format!("look where the run of {} is", words::named(&seen.title)))
            }
            ToolCall::SearchCatalogue { text } => {
                Ok(format!("look for {} in the catalogue", words::named(text)))
            }
            ToolCall::DraftQuery { source, statement } => {
                let title = self.check_draft(caller, source, statement).await?;
                let statement = words::statement(statement);
                Ok(format!("run this SQL, which may only read, on {}: {statement}", words::named(&title)))
            }
        }
    }

    /// What a person approved.
    async fn carry_out(&self, caller: &Caller, proposal: &Proposal) -> Answered {
        if let ToolCall::StartWorkflow { workflow, inputs } = &proposal.call {
            return self.start(caller, proposal, workflow, inputs).await;
        }
        let permissions = match self.admit(caller, &proposal.call).await {
            Ok(permissions) => permissions,
            Err(error) => return Answered::Failed(error),
        };
        if let Err(error) = self.unchanged(caller, proposal).await {
            return Answered::Failed(error);
        }
        let done = match &proposal.call {
            ToolCall::RunQuery { query, inputs } => {
                return self.run_query(caller, proposal, query, inputs).await;
            }
            ToolCall::DraftQuery { source, statement } => self.draft(caller, source, statement).await,
            call => self.without_effect(caller, permissions, call).await,
        };
        match done {
            Ok(output) => Answered::Done(Box::new(output)),
            Err(error) => Answered::Failed(error),
        }
    }

    /// Shows what a proposal would do.
    async fn preview(&self, caller: &Caller, proposal: &Proposal) -> Called {
        let call = &proposal.call;
        let permissions = self.admit(caller, call).await?;
        self.unchanged(caller, proposal).await?;
        match call {
            ToolCall::RunQuery { query, inputs } => self.show_query(caller, permissions, query, inputs).await,
            ToolCall::StartWorkflow { workflow, inputs } => {
                self.show_workflow(caller, workflow, inputs).await
            }
            ToolCall::DraftQuery { source, statement } => self.draft(caller, source, statement).await,
            call => self.without_effect(caller, permissions, call).await,
        }
    }

    async fn without_effect(&self, caller: &Caller, permissions: Permissions, call: &ToolCall) -> Called {
        match call {
            ToolCall::ReadRun { run } => self.read_run(caller, permissions, run).await,
            ToolCall::SearchCatalogue { text } => self.search(caller, permissions, text).await,
            _ => Err(ToolError::NeedsConsent),
        }
    }

    /// The rights that a call needs, then its size: nothing is looked up before.
    pub(super) async fn admit(&self, caller: &Caller, call: &ToolCall) -> Result<Permissions, ToolError> {
        let needed: &[Permission] = match call {
            ToolCall::RunQuery { .. } => &[Permission::DataQueryExecute],
            ToolCall::StartWorkflow { .. } => &[Permission::WorkflowExecute],
            ToolCall::DraftQuery { .. } => draft::NEEDED,
            // They depend on the run; the catalogue shows what the person may use.
            ToolCall::ReadRun { .. } | ToolCall::SearchCatalogue { .. } => &[],
        };
        let permissions = self.needs(caller, needed).await?;
        let size = serde_json::to_string(call).map_or(usize::MAX, |text| text.len());
        if size > MOST {
            return Err(ToolError::Invalid(format!(
                "the arguments have {size} bytes, at most {MOST} are taken"
            )));
        }
        Ok(permissions)
    }

    /// Whether what has no effect is run at once in this tenant.
    fn auto_run(&self, tenant: &TenantId) -> bool {
        let own = self.ai.tenants.iter().find(|own| own.tenant == tenant.as_str());
        own.and_then(|own| own.auto_run).unwrap_or(self.ai.auto_run)
    }

    /// Longest time of what a tool asks for.
    pub(super) fn timeout(&self) -> Duration {
        *self.ai.turn_timeout
    }
}

/// A data source's error; `what` is missing when it is another tenant's.
pub(super) fn told(error: &datasource::Error, what: &'static str) -> ToolError {
    match error {
        datasource::Error::Foreign => ToolError::NotFound(what),
        datasource::Error::Inputs(problems) => {
            let list: Vec<String> =
                problems.iter().map(|problem| words::error(&problem.to_string())).collect();
            ToolError::Invalid(list.join("; "))
        }
        error => failed(error),
    }
}

/// The store's own trouble.
pub(super) fn stored(error: &store::Error) -> ToolError {
    failed(error)
}

/// An error in words that people may read.
pub(super) fn failed(error: &impl Coded) -> ToolError {
    if matches!(error.code(), Code::ServerError) {
        log::error!("a tool of the chat failed: {error}");
    }
    ToolError::Failed { code: error.code(), message: words::error(&error.public_message()) }
}
