//! Widgets: list, create, read, change, remove.

use serde::Serialize;
use serde_json::Value;

use super::{
    change::{Note, change, object, search},
    form::Form,
};
use crate::{
    clock::to_wire,
    error::Code,
    http::{Answer, Asked, Failure, answer::listed},
    ids::{TenantId, UserId, WidgetId},
    store::tables::widgets::{self, NewWidget, Widget, WidgetChange},
};

const TITLE: &[&str] = &["widgetTitle", "title"];
const KIND: &[&str] = &["widgetType"];
const CONFIG: &str = "widgetConfig";
/// Largest configuration as JSON.
const MOST: usize = 1 << 20;
/// Longest interval of refreshes, in whatever unit the page counts.
const INTERVAL: i64 = 1_000_000_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    #[serde(rename = "widgetID")]
    id: WidgetId,
    #[serde(rename = "tenantID")]
    tenant: TenantId,
    widget_title: String,
    widget_description: Option<String>,
    widget_type: String,
    widget_config: Value,
    refresh_interval: Option<i64>,
    #[serde(rename = "folderID")]
    folder: Option<String>,
    #[serde(rename = "creatorID")]
    creator: Option<UserId>,
    created_at: String,
    updated_at: String,
}

impl From<Widget> for View {
    fn from(row: Widget) -> Self {
        Self {
            id: row.widget_id,
            tenant: row.tenant_id,
            widget_title: row.title,
            widget_description: row.description,
            widget_type: row.kind,
            widget_config: row.config,
            refresh_interval: row.refresh_interval,
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
    let found = store.read(move |db| widgets::list(db, &tenant, search.as_deref(), &wanted)).await?;
    listed("widgets", &found.map(View::from), page.page, page.page_size)
}

pub(super) async fn create(asked: Asked) -> Result<Answer, Failure> {
    let mut form = Form::of(&asked)?;
    form.need(TITLE);
    form.need(KIND);
    let title = form.title(TITLE);
    let kind = form.word(KIND, 64);
    let description = form.description("widgetDescription").flatten();
    let config = object(form.object(CONFIG, MOST));
    let refresh_interval = form.whole("refreshInterval", INTERVAL).flatten();
    let folder_id = form.folder().flatten();
    form.finish()?;
    let new = NewWidget {
        widget_id: WidgetId::generate(),
        tenant_id: asked.tenant()?.clone(),
        title: title.unwrap_or_default(),
        description,
        kind: kind.unwrap_or_default(),
        config,
        refresh_interval,
        folder_id,
        creator_id: asked.identity()?.user.clone(),
        at: asked.hub.parts.clock.now(),
    };
    let note = Note::of(&asked, "widget.create", "widget", new.widget_id.as_str());
    let row = change(&asked, note, Code::NotFound, move |db, _| Ok(widgets::insert(db, &new)?)).await?;
    Ok(Answer::field("widget", &View::from(row))?.created())
}

/// One of the tenant.
pub(super) async fn find(asked: &Asked) -> Result<Widget, Failure> {
    let (tenant, id) = (asked.tenant()?.clone(), asked.id("widgetID", WidgetId::parse)?);
    let found = asked.hub.parts.store.read(move |db| widgets::find(db, &tenant, &id)).await?;
    found.ok_or_else(|| Failure::of(Code::WidgetNotFound))
}

pub(super) async fn get(asked: Asked) -> Result<Answer, Failure> {
    Answer::field("widget", &View::from(find(&asked).await?))
}

pub(super) async fn update(asked: Asked) -> Result<Answer, Failure> {
    let mut form = Form::of(&asked)?;
    let patch = WidgetChange {
        title: form.title(TITLE),
        description: form.description("widgetDescription"),
        kind: form.word(KIND, 64),
        config: form.object(CONFIG, MOST).map(Value::Object),
        refresh_interval: form.whole("refreshInterval", INTERVAL),
        folder_id: form.folder(),
    };
    form.finish()?;
    let (tenant, id) = (asked.tenant()?.clone(), asked.id("widgetID", WidgetId::parse)?);
    let note = Note::of(&asked, "widget.update", "widget", id.as_str());
    let saved = change(&asked, note, Code::WidgetNotFound, move |db, at| {
        Ok(widgets::update(db, &tenant, &id, &patch, at)?)
    });
    Answer::field("widget", &View::from(saved.await?))
}

pub(super) async fn delete(asked: Asked) -> Result<Answer, Failure> {
    let (tenant, id) = (asked.tenant()?.clone(), asked.id("widgetID", WidgetId::parse)?);
    let note = Note::of(&asked, "widget.delete", "widget", id.as_str());
    change(&asked, note, Code::WidgetNotFound, move |db, _| Ok(widgets::remove(db, &tenant, &id)?)).await?;
    Answer::field("message", &"Widget deleted successfully.")
}
