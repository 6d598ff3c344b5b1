//! Saved queries: list, create, read, change, remove, run.

use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    change::{Note, Refused, change, object, search},
    form::Form,
    told::{issues, told},
};
use crate::{
    clock::to_wire,
    datasource::{QueryCall, check_query},
    error::Code,
    http::{Answer, Asked, Failure, answer::listed},
    ids::{DataQueryId, DataSourceId, TenantId, UserId},
    store::{
        Connection, Error,
        tables::{
            dataqueries::{self, DataQuery, DataQueryChange, NewDataQuery},
            datasources,
        },
    },
    workflow::inputs_of,
};

const TITLE: &[&str] = &["dataQueryTitle", "title"];
const OPTIONS: &str = "dataQueryOptions";
/// Kind of a query without a data source: a query service beside the hub answers it.
const SERVICE: &str = "service";
/// Largest settings as JSON.
const MOST: usize = 256 << 10;
/// Longest time of a query that no run asks for (`contract.md` 5.5).
const TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    #[serde(rename = "dataQueryID")]
    id: DataQueryId,
    #[serde(rename = "tenantID")]
    tenant: TenantId,
    #[serde(rename = "datasourceID")]
    datasource: Option<DataSourceId>,
    data_query_title: String,
    data_query_description: Option<String>,
    data_query_options: Value,
    #[serde(rename = "folderID")]
    folder: Option<String>,
    #[serde(rename = "creatorID")]
    creator: Option<UserId>,
    created_at: String,
    updated_at: String,
}

impl From<DataQuery> for View {
    fn from(row: DataQuery) -> Self {
        Self {
            id: row.data_query_id,
            tenant: row.tenant_id,
            datasource: row.datasource_id,
            data_query_title: row.title,
            data_query_description: row.description,
            data_query_options: row.options,
            folder: row.folder_id,
            creator: row.creator_id,
            created_at: to_wire(row.created_at),
            updated_at: to_wire(row.updated_at),
        }
    }
}

pub(super) async fn list(asked: Asked) -> Result<Answer, Failure> {
    let (tenant, search, page) = (asked.tenant()?.clone(), search(&asked), asked.page()?);
    let (store, wanted) = (&asked.hub.parts.store, page.clone());
    let found = store.read(move |db| dataqueries::list(db, &tenant, search.as_deref(), &wanted)).await?;
    listed("dataQueries", &found.map(View::from), page.page, page.page_size)
}

pub(super) async fn create(asked: Asked) -> Result<Answer, Failure> {
    let mut form = Form::of(&asked)?;
    form.need(TITLE);
    let title = form.title(TITLE);
    let description = form.description("dataQueryDescription").flatten();
    let datasource_id = form.id("datasourceID", DataSourceId::parse).flatten();
    let options = object(form.object(OPTIONS, MOST));
    let folder_id = form.folder().flatten();
    let early = finish_with(form, &asked, datasource_id.as_ref(), &options).await;
    early?;
    let new = NewDataQuery {
        data_query_id: DataQueryId::generate(),
        tenant_id: asked.tenant()?.clone(),
        datasource_id,
        title: title.unwrap_or_default(),
        description,
        options,
        folder_id,
        creator_id: asked.identity()?.user.clone(),
        at: asked.hub.parts.clock.now(),
    };
    let note = Note::of(&asked, "dataquery.create", "dataquery", new.data_query_id.as_str());
    let row = change(&asked, note, Code::NotFound, move |db, _| {
        checked(db, &new.tenant_id, new.datasource_id.as_ref(), &new.options)?;
        Ok(dataqueries::insert(db, &new)?)
    });
    Ok(Answer::field("dataQuery", &View::from(row.await?))?.created())
}

/// The faults of a query together with those of its other fields.
async fn finish_with(
    mut form: Form<'_>,
    asked: &Asked,
    source: Option<&DataSourceId>,
    options: &Value,
) -> Result<(), Failure> {
    let (tenant, source, options) = (asked.tenant()?.clone(), source.cloned(), options.clone());
    let found = asked.hub.parts.store.read(move |db| faults(db, &tenant, source.as_ref(), &options)).await?;
    found.into_iter().for_each(|(path, text)| form.wrong(path, text));
    form.finish()
}

/// What is wrong with a query, which depends on the kind of its source.
fn faults(
    db: &mut Connection,
    tenant: &TenantId,
    source: Option<&DataSourceId>,
    options: &Value,
) -> Result<Vec<(String, String)>, Error> {
    let kind = match source {
        None => SERVICE.to_owned(),
        Some(source) => match datasources::find(db, tenant, source)? {
            Some(source) => source.kind,
            None => {
                let rule = "no such data source in this tenant";
                return Ok(vec![("datasourceID".to_owned(), rule.to_owned())]);
            }
        },
    };
    Ok(issues(OPTIONS, check_query(&kind, options)).collect())
}

/// The same in the transaction that saves the query.
fn checked(
    db: &mut Connection,
    tenant: &TenantId,
    source: Option<&DataSourceId>,
    options: &Value,
) -> Result<(), Refused> {
    let wrong = faults(db, tenant, source, options)?;
    if wrong.is_empty() { Ok(()) } else { Err(Failure::validation(wrong).into()) }
}

async fn find(asked: &Asked) -> Result<DataQuery, Failure> {
    let (tenant, id) = (asked.tenant()?.clone(), asked.id("dataQueryID", DataQueryId::parse)?);
    let found = asked.hub.parts.store.read(move |db| dataqueries::find(db, &tenant, &id)).await?;
    found.ok_or_else(|| Failure::of(Code::NotFound))
}

pub(super) async fn get(asked: Asked) -> Result<Answer, Failure> {
    Answer::field("dataQuery", &View::from(find(&asked).await?))
}

pub(super) async fn update(asked: Asked) -> Result<Answer, Failure> {
    let old = find(&asked).await?;
    let mut form = Form::of(&asked)?;
    let patch = DataQueryChange {
        title: form.title(TITLE),
        description: form.description("dataQueryDescription"),
        datasource_id: form.id("datasourceID", DataSourceId::parse),
        options: form.object(OPTIONS, MOST).map(Value::Object),
        folder_id: form.folder(),
    };
    let source = patch.datasource_id.clone().unwrap_or(old.datasource_id);
    let options = patch.options.clone().unwrap_or(old.options);
    if patch.datasource_id.is_some() || patch.options.is_some() {
        finish_with(form, &asked, source.as_ref(), &options).await?;
    } else {
        form.finish()?;
    }
    let (tenant, id) = (old.tenant_id, old.data_query_id);
    let note = Note::of(&asked, "dataquery.update", "dataquery", id.as_str());
    let saved = change(&asked, note, Code::NotFound, move |db, at| {
        if patch.datasource_id.is_some() || patch.options.is_some() {
            let old = dataqueries::find(db, &tenant, &id)?.ok_or(Error::NotFound)?;
            let source = patch.datasource_id.clone().unwrap_or(old.datasource_id);
            let options = patch.options.as_ref().unwrap_or(&old.options);
            checked(db, &tenant, source.as_ref(), options)?;
        }
        Ok(dataqueries::update(db, &tenant, &id, &patch, at)?)
    });
    Answer::field("dataQuery", &View::from(saved.await?))
}

/// A workflow that names the query fails at that node from then on.
pub(super) async fn delete(asked: Asked) -> Result<Answer, Failure> {
    let (tenant, id) = (asked.tenant()?.clone(), asked.id("dataQueryID", DataQueryId::parse)?);
    let note = Note::of(&asked, "dataquery.delete", "dataquery", id.as_str());
    change(&asked, note, Code::NotFound, move |db, _| Ok(dataqueries::remove(db, &tenant, &id)?)).await?;
    Answer::field("message", &"Query deleted successfully.")
}

/// Runs it: `result` is what its source answers.
pub(super) async fn run(mut asked: Asked) -> Result<Answer, Failure> {
    let query = find(&asked).await?;
    let body: Map<String, Value> = asked.optional_fields()?;
    let inputs = match inputs_of(&body) {
        None => Map::new(),
        Some(Value::Object(inputs)) => inputs,
        Some(_) => return Err(Failure::validation(vec![("inputValues".into(), "must be an object".into())])),
    };
    let parts = &asked.hub.parts;
    let most = parts.config.limits.inputs.get();
    let size = Value::Object(inputs.clone()).to_string().len();
    if size > most {
        let message = format!("the inputs have {size} bytes, limits.inputs allows {most}");
        return Err(Failure::new(Code::PayloadTooLarge, message));
    }
    let began: Instant = parts.clock.monotonic();
    let call = QueryCall {
        tenant: query.tenant_id,
        query: query.data_query_id,
        inputs,
        run: None,
        node: None,
        idempotency_key: None,
        timeout: TIMEOUT,
    };
    let result = parts.sources.run(call).await.map_err(told)?;
    let took = (parts.clock.monotonic() - began).as_millis();
    Answer::field("result", &result)?.and("durationMs", &u64::try_from(took).unwrap_or(u64::MAX))
}
