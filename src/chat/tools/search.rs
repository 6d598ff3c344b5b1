//! `search_catalogue`: what the tenant has that fits some words, as far as the person may use it.

use serde_json::{Value, json};

use super::{
    cells, draft,
    hands::{Inner, failed, stored},
    rights::Caller,
    table::Filling,
    words,
};
use crate::{
    ai::{
        Called, Output, ToolError,
        catalogue::{Entry, Subject},
    },
    auth::{Permission, Permissions},
    store::tables::{ListPage, datasources},
};

/// Most entries that are found.
const ENTRIES: usize = 10;
/// Most data sources that are named.
const SOURCES: u32 = 20;
/// Longest text of a description.
const ABOUT: usize = 300;

impl Inner {
    pub(super) async fn search(&self, caller: &Caller, permissions: Permissions, text: &str) -> Called {
        let may_query = permissions.contains(Permission::DataQueryExecute);
        let may_execute = permissions.contains(Permission::WorkflowExecute);
        if !may_query && !may_execute {
            return Err(ToolError::Denied(Permission::DataQueryExecute.as_str()));
        }
        let hits = self.catalogue.search(&caller.tenant, text, may_query, may_execute, ENTRIES).await;
        let hits = hits.map_err(|error| failed(&error))?;
        let mut filling = Filling::new(["kind", "title", "description"], self.ai.max_rows);
        let mut found: Vec<Value> = Vec::new();
        for hit in &hits {
            let about = hit.entry.about.as_deref().map(|about| cells::line(about, ABOUT));
            let (kind, title) = (kind(&hit.entry), cells::line(&hit.entry.title, ABOUT));
            filling.row([&json!(kind), &json!(title), &json!(about)]);
            found.push(entry(&hit.entry));
        }
        if draft::NEEDED.iter().all(|right| permissions.contains(*right)) {
            found.extend(self.databases(caller).await?);
        }
        let most = self.ai.max_result.get();
        let mut bytes = 32;
        found.retain(|one| {
            let size = one.to_string().len() + 1;
            let fits = bytes + size <= most;
            bytes += if fits { size } else { 0 };
            fits
        });
        let text = match hits.len() {
            0 => "Nothing in the catalogue fits.".to_owned(),
            1 => format!("One entry of the catalogue fits: {}.", words::named(&hits[0].entry.title)),
            count => format!("{count} entries of the catalogue fit."),
        };
        let data = (!hits.is_empty()).then(|| filling.finish(false));
        Ok(Output { text, data, run: None, value: json!({ "entries": found }) })
    }

    /// The SQL data sources of the tenant, for who may ask them anything.
    async fn databases(&self, caller: &Caller) -> Result<Vec<Value>, ToolError> {
        let tenant = caller.tenant.clone();
        let page = ListPage { page_size: SOURCES, ..ListPage::default() };
        let listed = self.store.read(move |db| datasources::list(db, &tenant, None, &page)).await;
        let rows = listed.map_err(|error| stored(&error))?.rows.into_iter();
        let one = |row: datasources::DataSource| {
            let about = row.description.as_deref().map(|about| cells::line(about, ABOUT));
            json!({
                "kind": "datasource", "id": row.datasource_id, "title": cells::line(&row.title, ABOUT),
                "database": row.kind, "description": about,
            })
        };
        Ok(rows
            .filter(|row| matches!(row.kind.as_str(), "postgresql" | "mysql" | "sqlite"))
            .map(one)
            .collect())
    }
}

fn kind(entry: &Entry) -> &'static str {
    match entry.subject {
        Subject::Query(_) => "query",
        Subject::Workflow(_) => "workflow",
    }
}

/// An entry as a model reads it.
fn entry(entry: &Entry) -> Value {
    let mut value = cells::whole(&entry.to_value());
    value["kind"] = json!(kind(entry));
    value["id"] = json!(entry.subject.id());
    value
}
