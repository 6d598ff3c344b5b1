//! `draft_query`: SQL that is saved nowhere. It only reads, and a person sees it first.

use super::{
    hands::{Inner, stored, told},
    rights::Caller,
};
use crate::{
    ai::{Called, ToolError},
    auth::Permission,
    ids::DataSourceId,
    store::tables::datasources,
};

/// Whoever may ask a source anything might as well save that as a query and run it.
pub(super) const NEEDED: &[Permission] =
    &[Permission::DataQueryExecute, Permission::DataQueryCreate, Permission::DataSourceRead];
/// What is missing when it is another tenant's.
const SOURCE: &str = "data source";

impl Inner {
    /// Whether it could be run; the title of the source. Connects to nothing.
    pub(super) async fn check_draft(
        &self,
        caller: &Caller,
        source: &DataSourceId,
        statement: &str,
    ) -> Result<String, ToolError> {
        let (tenant, id) = (caller.tenant.clone(), source.clone());
        let found = self.store.read(move |db| datasources::find(db, &tenant, &id)).await;
        let found = found.map_err(|error| stored(&error))?.ok_or(ToolError::NotFound(SOURCE))?;
        let checked = self.sources.check_draft(&caller.tenant, source, statement).await;
        checked.map_err(|error| told(&error, SOURCE))?;
        Ok(found.title)
    }

    /// Runs it, reading only.
    pub(super) async fn draft(&self, caller: &Caller, source: &DataSourceId, statement: &str) -> Called {
        self.check_draft(caller, source, statement).await?;
        let (rows, timeout) = (self.ai.max_rows, self.timeout());
        let drafted = self.sources.draft(&caller.tenant, source, statement, rows, timeout).await;
        drafted.map(|glance| self.output(glance)).map_err(|error| told(&error, SOURCE))
    }
}
