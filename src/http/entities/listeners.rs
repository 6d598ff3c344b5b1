//! Listeners: list, create, read, change, remove, publish.

use serde::Serialize;
use serde_json::Value;

use super::{
    change::{Note, Refused, change, object, search},
    form::Form,
};
use crate::{
    clock::to_wire,
    error::Code,
    http::{Answer, Asked, Failure, answer::listed},
    ids::{DataSourceId, ListenerId, TenantId, UserId},
    store::{
        Error,
        tables::listeners::{self, Listener, ListenerChange, NewListener},
    },
};

const TITLE: &[&str] = &["listenerTitle", "title"];
const KIND: &[&str] = &["listenerType"];
const STATUS: &[&str] = &["status"];
const OPTIONS: &str = "listenerOptions";
/// Largest settings as JSON.
const MOST: usize = 64 << 10;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    #[serde(rename = "listenerID")]
    id: ListenerId,
    #[serde(rename = "tenantID")]
    tenant: TenantId,
    #[serde(rename = "datasourceID")]
    datasource: Option<DataSourceId>,
    listener_title: String,
    listener_description: Option<String>,
    listener_type: String,
    status: String,
    listener_options: Value,
    #[serde(rename = "creatorID")]
    creator: Option<UserId>,
    created_at: String,
    updated_at: String,
}

impl From<Listener> for View {
    fn from(row: Listener) -> Self {
        Self {
            id: row.listener_id,
            tenant: row.tenant_id,
            datasource: row.datasource_id,
            listener_title: row.title,
            listener_description: row.description,
            listener_type: row.kind,
            status: row.status,
            listener_options: row.options,
            creator: row.creator_id,
            created_at: to_wire(row.created_at),
            updated_at: to_wire(row.updated_at),
        }
    }
}

pub(super) async fn list(asked: Asked) -> Result<Answer, Failure> {
    let (tenant, search, page) = (asked.tenant()?.clone(), search(&asked), asked.page()?);
    let (store, wanted) = (&asked.hub.parts.store, page.clone());
    let found = store.read(move |db| listeners::list(db, &tenant, search.as_deref(), &wanted)).await?;
    listed("listeners", &found.map(View::from), page.page, page.page_size)
}

pub(super) async fn create(asked: Asked) -> Result<Answer, Failure> {
    let mut form = Form::of(&asked)?;
    form.need(TITLE);
    let title = form.title(TITLE);
    let description = form.description("listenerDescription").flatten();
    let kind = form.word(KIND, 64);
    let status = form.word(STATUS, 32);
    let datasource_id = form.id("datasourceID", DataSourceId::parse).flatten();
    let options = object(form.object(OPTIONS, MOST));
    form.finish()?;
    let new = NewListener {
        listener_id: ListenerId::generate(),
        tenant_id: asked.tenant()?.clone(),
        datasource_id,
        title: title.unwrap_or_default(),
        description,
        kind: kind.unwrap_or_else(|| "publish".to_owned()),
        status: status.unwrap_or_else(|| "ACTIVE".to_owned()),
        options,
        creator_id: asked.identity()?.user.clone(),
        at: asked.hub.parts.clock.now(),
    };
    let note = Note::of(&asked, "listener.create", "listener", new.listener_id.as_str());
    let row = change(&asked, note, Code::NotFound, move |db, _| saved(listeners::insert(db, &new)));
    Ok(Answer::field("listener", &View::from(row.await?))?.created())
}

/// A data source that is not the tenant's is told by its field.
fn saved(outcome: Result<Listener, Error>) -> Result<Listener, Refused> {
    match outcome {
        Err(Error::Reference) => {
            let issue = ("datasourceID".to_owned(), "no such data source in this tenant".to_owned());
            Err(Failure::validation(vec![issue]).into())
        }
        outcome => Ok(outcome?),
    }
}

pub(super) async fn find(asked: &Asked) -> Result<Listener, Failure> {
    let (tenant, id) = (asked.tenant()?.clone(), asked.id("listenerID", ListenerId::parse)?);
    let found = asked.hub.parts.store.read(move |db| listeners::find(db, &tenant, &id)).await?;
    found.ok_or_else(|| Failure::of(Code::NotFound))
}

pub(super) async fn get(asked: Asked) -> Result<Answer, Failure> {
    Answer::field("listener", &View::from(find(&asked).await?))
}

pub(super) async fn update(asked: Asked) -> Result<Answer, Failure> {
    let mut form = Form::of(&asked)?;
    let patch = ListenerChange {
        title: form.title(TITLE),
        description: form.description("listenerDescription"),
        kind: form.word(KIND, 64),
        status: form.word(STATUS, 32),
        datasource_id: form.id("datasourceID", DataSourceId::parse),
        options: form.object(OPTIONS, MOST).map(Value::Object),
    };
    form.finish()?;
    let (tenant, id) = (asked.tenant()?.clone(), asked.id("listenerID", ListenerId::parse)?);
    let note = Note::of(&asked, "listener.update", "listener", id.as_str());
    let row = change(&asked, note, Code::NotFound, move |db, at| {
        saved(listeners::update(db, &tenant, &id, &patch, at))
    });
    Answer::field("listener", &View::from(row.await?))
}

pub(super) async fn delete(asked: Asked) -> Result<Answer, Failure> {
    let (tenant, id) = (asked.tenant()?.clone(), asked.id("listenerID", ListenerId::parse)?);
    let note = Note::of(&asked, "listener.delete", "listener", id.as_str());
    let gone = id.clone();
    change(&asked, note, Code::NotFound, move |db, _| Ok(listeners::remove(db, &tenant, &id)?)).await?;
    asked.hub.parts.listeners.gone(&gone);
    Answer::field("message", &"Listener deleted successfully.")
}
