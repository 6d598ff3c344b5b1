//! Data sources: list, create, read, change, remove, try.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    change::{Note, change, object, search},
    form::Form,
    secrets::{self, Given},
    told::{issues, told},
};
use crate::{
    clock::to_wire,
    datasource::{Vault, check_source},
    error::Code,
    http::{Answer, Asked, Failure, answer::listed},
    ids::{DataSourceId, TenantId, UserId},
    store::{
        Connection, Error,
        tables::datasources::{self, DataSource, DataSourceChange, NewDataSource},
    },
};

const TITLE: &[&str] = &["datasourceTitle", "title"];
const KIND: &[&str] = &["datasourceType", "type"];
const OPTIONS: &str = "datasourceOptions";
const KINDS: &[&str] = &["postgresql", "mysql", "sqlite", "http"];
/// Largest settings as JSON.
const MOST: usize = 64 << 10;
/// Most users of a data source that a refusal names.
const NAMED: i64 = 20;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    #[serde(rename = "datasourceID")]
    id: DataSourceId,
    #[serde(rename = "tenantID")]
    tenant: TenantId,
    datasource_title: String,
    datasource_description: Option<String>,
    datasource_type: String,
    datasource_options: Value,
    #[serde(rename = "creatorID")]
    creator: Option<UserId>,
    created_at: String,
    updated_at: String,
}

fn view(vault: &Vault, row: DataSource) -> View {
    let mut options = row.options;
    let of = (&row.tenant_id, &row.datasource_id, row.kind.as_str());
    secrets::show(vault, of, row.secret.as_deref(), &mut options);
    View {
        id: row.datasource_id,
        tenant: row.tenant_id,
        datasource_title: row.title,
        datasource_description: row.description,
        datasource_type: row.kind,
        datasource_options: options,
        creator: row.creator_id,
        created_at: to_wire(row.created_at),
        updated_at: to_wire(row.updated_at),
    }
}

pub(super) async fn list(asked: Asked) -> Result<Answer, Failure> {
    let (tenant, search, page) = (asked.tenant()?.clone(), search(&asked), asked.page()?);
    let parts = &asked.hub.parts;
    let wanted = page.clone();
    let found =
        parts.store.read(move |db| datasources::list(db, &tenant, search.as_deref(), &wanted)).await?;
    let vault = parts.sources.vault();
    listed("datasources", &found.map(|row| view(vault, row)), page.page, page.page_size)
}

pub(super) async fn create(asked: Asked) -> Result<Answer, Failure> {
    let vault = asked.hub.parts.sources.vault();
    let mut form = Form::of(&asked)?;
    form.need(TITLE);
    let title = form.title(TITLE);
    let description = form.description("datasourceDescription").flatten();
    let (kind, options, given) = settings(&mut form);
    form.finish()?;
    let (tenant, id) = (asked.tenant()?.clone(), DataSourceId::generate());
    let new = NewDataSource {
        secret: given.sealed(vault, &tenant, &id, None)?,
        datasource_id: id,
        tenant_id: tenant,
        title: title.unwrap_or_default(),
        description,
        kind,
        options: Value::Object(options),
        creator_id: asked.identity()?.user.clone(),
        at: asked.hub.parts.clock.now(),
    };
    let note = Note::of(&asked, "datasource.create", "datasource", new.datasource_id.as_str());
    let row = change(&asked, note, Code::NotFound, move |db, _| Ok(datasources::insert(db, &new)?)).await?;
    Ok(Answer::field("datasource", &view(vault, row))?.created())
}

/// Kind and settings of a source that does not exist yet.
fn settings(form: &mut Form<'_>) -> (String, Map<String, Value>, Given) {
    form.need(KIND);
    let kind = form.word(KIND, 64);
    if let Some(kind) = &kind
        && !KINDS.contains(&kind.as_str())
    {
        form.wrong("datasourceType", format!("must be one of {}", KINDS.join(", ")));
    }
    let kind = kind.unwrap_or_default();
    let mut options = form.object(OPTIONS, MOST).unwrap_or_default();
    let mut wrong = Vec::new();
    let given = Given::take(&kind, &mut options, &mut wrong);
    if KINDS.contains(&kind.as_str()) {
        wrong.extend(issues(OPTIONS, check_source(&kind, &object(Some(options.clone())))));
    }
    wrong.into_iter().for_each(|(path, text)| form.wrong(path, text));
    (kind, options, given)
}

async fn find(asked: &Asked) -> Result<DataSource, Failure> {
    let (tenant, id) = (asked.tenant()?.clone(), asked.id("datasourceID", DataSourceId::parse)?);
    let found = asked.hub.parts.store.read(move |db| datasources::find(db, &tenant, &id)).await?;
    found.ok_or_else(|| Failure::of(Code::NotFound))
}

pub(super) async fn get(asked: Asked) -> Result<Answer, Failure> {
    let row = find(&asked).await?;
    Answer::field("datasource", &view(asked.hub.parts.sources.vault(), row))
}

pub(super) async fn update(asked: Asked) -> Result<Answer, Failure> {
    // The kind says which fields are credentials; it never changes.
    let kind = find(&asked).await?.kind;
    let mut form = Form::of(&asked)?;
    let title = form.title(TITLE);
    let description = form.description("datasourceDescription");
    if form.word(KIND, 64).is_some_and(|given| given != kind) {
        form.wrong("datasourceType", "cannot change: make another data source");
    }
    let mut options = form.object(OPTIONS, MOST);
    let mut wrong = Vec::new();
    let given = match &mut options {
        Some(options) => Given::take(&kind, options, &mut wrong),
        None => Given::default(),
    };
    if let Some(options) = &options {
        wrong.extend(issues(OPTIONS, check_source(&kind, &object(Some(options.clone())))));
    }
    wrong.into_iter().for_each(|(path, text)| form.wrong(path, text));
    form.finish()?;

    let vault = asked.hub.parts.sources.vault().clone();
    let (tenant, id) = (asked.tenant()?.clone(), asked.id("datasourceID", DataSourceId::parse)?);
    let note = Note::of(&asked, "datasource.update", "datasource", id.as_str());
    let changed = (tenant.clone(), id.clone());
    let patch = DataSourceChange { title, description, options: options.map(Value::Object), secret: None };
    let saved = change(&asked, note, Code::NotFound, move |db, at| {
        let old = datasources::find(db, &tenant, &id)?.ok_or(Error::NotFound)?;
        let stored = old.secret.as_deref();
        let mut patch = patch;
        if let Some(options) = &patch.options {
            let leaks = given.would_leak(&vault, (&tenant, &id), stored, (&old.options, options));
            if !leaks.is_empty() {
                let rule = "must be given again, because the settings now lead elsewhere";
                let issue = |key: String| (format!("{OPTIONS}.{key}"), rule.to_owned());
                return Err(Failure::validation(leaks.into_iter().map(issue).collect()).into());
            }
        }
        if !given.is_empty() {
            patch.secret = Some(given.sealed(&vault, &tenant, &id, stored)?);
        }
        Ok(datasources::update(db, &tenant, &id, &patch, at)?)
    });
    let saved = saved.await?;
    asked.hub.parts.sources.forget(&changed.0, &changed.1).await;
    Answer::field("datasource", &view(asked.hub.parts.sources.vault(), saved))
}

pub(super) async fn delete(asked: Asked) -> Result<Answer, Failure> {
    let (tenant, id) = (asked.tenant()?.clone(), asked.id("datasourceID", DataSourceId::parse)?);
    let note = Note::of(&asked, "datasource.delete", "datasource", id.as_str());
    let gone = (tenant.clone(), id.clone());
    change(&asked, note, Code::NotFound, move |db, _| {
        datasources::find(db, &tenant, &id)?.ok_or(Error::NotFound)?;
        if let Some(failure) = in_use(db, &id)? {
            return Err(failure.into());
        }
        Ok(datasources::remove(db, &tenant, &id)?)
    })
    .await?;
    asked.hub.parts.sources.forget(&gone.0, &gone.1).await;
    Answer::field("message", &"Data source deleted successfully.")
}

/// A refusal that names what uses a source.
fn in_use(db: &mut Connection, id: &DataSourceId) -> Result<Option<Failure>, Error> {
    let datasources::Users { queries, listeners } = datasources::users(db, id, NAMED)?;
    if queries.is_empty() && listeners.is_empty() {
        return Ok(None);
    }
    let titles = queries.iter().map(|(_, title)| title).chain(listeners.iter().map(|(_, title)| title));
    let names = titles.map(|title| format!("\"{title}\"")).collect::<Vec<_>>().join(", ");
    let query = |(id, title)| json!({ "dataQueryID": id, "dataQueryTitle": title });
    let listener = |(id, title)| json!({ "listenerID": id, "listenerTitle": title });
    let details = json!({
        "dataQueries": queries.into_iter().map(query).collect::<Vec<_>>(),
        "listeners": listeners.into_iter().map(listener).collect::<Vec<_>>(),
    });
    let message = format!("the data source is used by {names}: change or remove these first");
    Ok(Some(Failure::new(Code::Conflict, message).with_details(details)))
}

/// Connects to a saved source.
pub(super) async fn test(asked: Asked) -> Result<Answer, Failure> {
    let row = find(&asked).await?;
    let answer = asked.hub.parts.sources.test_saved(&row.tenant_id, &row.datasource_id).await;
    Answer::object(&answer.map_err(told)?)
}

/// Connects with settings that are not saved.
pub(super) async fn test_unsaved(asked: Asked) -> Result<Answer, Failure> {
    let mut form = Form::of(&asked)?;
    let (kind, options, given) = settings(&mut form);
    form.finish()?;
    let (tenant, options) = (asked.tenant()?, Value::Object(options));
    let answer = asked.hub.parts.sources.test(tenant, &kind, &options, &given.plain()).await;
    Answer::object(&answer.map_err(told)?)
}
