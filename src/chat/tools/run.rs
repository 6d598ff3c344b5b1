//! `read_run`: where a run is.

use serde_json::{Map, Value, json};

use super::{RunSeen, hands::Inner, rights::Caller, table, words};
use crate::{
    ai::{Called, Output, ToolError},
    auth::{Permission, Permissions},
    ids::RunId,
};

impl Inner {
    /// A run that the person may see: a test run is its starter's, and of those who may test.
    pub(super) async fn run_of(
        &self,
        caller: &Caller,
        permissions: Permissions,
        run: &RunId,
    ) -> Result<RunSeen, ToolError> {
        let found =
            self.host.run(caller.tenant.clone(), run.clone()).await.map_err(|trouble| trouble.error)?;
        let is_own = |seen: &RunSeen| seen.is_test && seen.starter.as_ref() == Some(&caller.person.user);
        if let Some(seen) = &found
            && is_own(seen)
        {
            return Ok(seen.clone());
        }
        if !permissions.contains(Permission::WorkflowRead) {
            return Err(ToolError::Denied(Permission::WorkflowRead.as_str()));
        }
        found
            .filter(|seen| !seen.is_test || permissions.contains(Permission::WorkflowTest))
            .ok_or(ToolError::NotFound("run"))
    }

    pub(super) async fn read_run(&self, caller: &Caller, permissions: Permissions, run: &RunId) -> Called {
        let seen = self.run_of(caller, permissions, run).await?;
        Ok(self.told_of(run, &seen))
    }

    /// A run in words, what it gave as a table.
    pub(super) fn told_of(&self, run: &RunId, seen: &RunSeen) -> Output {
        let mut text = format!("The run of {} {}.", words::named(&seen.title), words::state(seen.status));
        match seen.waits_for {
            0 => {}
            1 => text.push_str(" It waits for an answer of a person."),
            count => text.push_str(&format!(" It waits for {count} answers of people.")),
        }
        let mut shown = Map::new();
        if let Some(error) = &seen.error {
            shown.insert("error".to_owned(), Value::String(error.clone()));
        }
        match &seen.output {
            Some(Value::Object(output)) => shown.extend(output.clone()),
            None | Some(Value::Null) => {}
            Some(output) => drop(shown.insert("output".to_owned(), output.clone())),
        }
        let most = self.ai.max_result.get();
        let data = (!shown.is_empty()).then(|| table::of_members(&shown, self.ai.max_rows));
        let value = json!({
            "instanceID": run,
            "workflow": words::named(&seen.title),
            "status": seen.status,
            "waitsForPeople": seen.waits_for,
            "result": table::fitting(&Value::Object(shown), most.saturating_sub(512)),
        });
        Output { text, data, run: Some(run.clone()), value }
    }
}
