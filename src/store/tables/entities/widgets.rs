//! Widgets: what dashboards show.

use diesel::prelude::*;
use jiff::Timestamp;
use serde_json::Value;

use super::stored::stored;
use crate::{
    ids::{TenantId, UserId, WidgetId},
    store::{
        Connection, Error,
        schema::widgets,
        tables::{
            ListPage, Listed,
            columns::{Id, Json, OptId, Time},
            page::{contains, lower},
            to_micros,
        },
    },
};

/// A widget of a tenant.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = widgets)]
pub struct Widget {
    /// uuid v7.
    #[diesel(deserialize_as = Id)]
    pub widget_id: WidgetId,
    /// Whose.
    #[diesel(deserialize_as = Id)]
    pub tenant_id: TenantId,
    /// 1 to 255 characters.
    pub title: String,
    /// For people.
    pub description: Option<String>,
    /// `widgetType`: `bar`, `line` and so on, chosen by the page.
    pub kind: String,
    /// `widgetConfig`, a JSON object.
    #[diesel(deserialize_as = Json)]
    pub config: Value,
    /// `refreshInterval` as the page gave it.
    pub refresh_interval: Option<i64>,
    /// Where pages show it.
    pub folder_id: Option<String>,
    /// Who made it, if a user did.
    #[diesel(deserialize_as = OptId)]
    pub creator_id: Option<UserId>,
    /// Made.
    #[diesel(deserialize_as = Time)]
    pub created_at: Timestamp,
    /// Saved.
    #[diesel(deserialize_as = Time)]
    pub updated_at: Timestamp,
}

/// What a new widget needs.
#[derive(Debug, Clone)]
pub struct NewWidget {
    /// uuid v7.
    pub widget_id: WidgetId,
    /// Whose.
    pub tenant_id: TenantId,
    /// 1 to 255 characters.
    pub title: String,
    /// For people.
    pub description: Option<String>,
    /// `widgetType`: `bar`, `line` and so on, chosen by the page.
    pub kind: String,
    /// `widgetConfig`, a JSON object.
    pub config: Value,
    /// `refreshInterval` as the page gave it.
    pub refresh_interval: Option<i64>,
    /// Where pages show it.
    pub folder_id: Option<String>,
    /// Who made it, if a user did.
    pub creator_id: Option<UserId>,
    /// Now.
    pub at: Timestamp,
}

/// What may change; an absent field stays.
#[derive(Debug, Clone, Default)]
pub struct WidgetChange {
    /// 1 to 255 characters.
    pub title: Option<String>,
    /// For people. `Some(None)` removes it.
    pub description: Option<Option<String>>,
    /// `widgetType`: `bar`, `line` and so on, chosen by the page.
    pub kind: Option<String>,
    /// `widgetConfig`, a JSON object.
    pub config: Option<Value>,
    /// `refreshInterval` as the page gave it. `Some(None)` removes it.
    pub refresh_interval: Option<Option<i64>>,
    /// Where pages show it. `Some(None)` removes it.
    pub folder_id: Option<Option<String>>,
}

/// Inserts one; `Reference` when there is no such tenant.
pub fn insert(connection: &mut Connection, new: &NewWidget) -> Result<Widget, Error> {
    let at = to_micros(new.at);
    diesel::insert_into(widgets::table)
        .values((
            widgets::widget_id.eq(new.widget_id.as_str()),
            widgets::tenant_id.eq(new.tenant_id.as_str()),
            widgets::title.eq(&new.title),
            widgets::description.eq(&new.description),
            widgets::kind.eq(&new.kind),
            widgets::config.eq(new.config.to_string()),
            widgets::refresh_interval.eq(new.refresh_interval),
            widgets::folder_id.eq(&new.folder_id),
            widgets::creator_id.eq(new.creator_id.as_ref().map(UserId::as_str)),
            widgets::created_at.eq(at),
            widgets::updated_at.eq(at),
        ))
        .execute(connection)?;
    find(connection, &new.tenant_id, &new.widget_id)?.ok_or(Error::NotFound)
}

stored!(widgets, widget_id, Widget, WidgetId);

/// Changes what is given; `NotFound` when the tenant has no such widget.
pub fn update(
    connection: &mut Connection,
    tenant: &TenantId,
    id: &WidgetId,
    change: &WidgetChange,
    at: Timestamp,
) -> Result<Widget, Error> {
    let row = widgets::table.find(id.as_str()).filter(widgets::tenant_id.eq(tenant.as_str()));
    let changed = diesel::update(row)
        .set((
            change.title.as_ref().map(|title| widgets::title.eq(title)),
            change.description.as_ref().map(|description| widgets::description.eq(description)),
            change.kind.as_ref().map(|kind| widgets::kind.eq(kind)),
            change.config.as_ref().map(|config| widgets::config.eq(config.to_string())),
            change.refresh_interval.map(|refresh_interval| widgets::refresh_interval.eq(refresh_interval)),
            change.folder_id.as_ref().map(|folder_id| widgets::folder_id.eq(folder_id)),
            widgets::updated_at.eq(to_micros(at)),
        ))
        .execute(connection)?;
    if changed == 0 {
        return Err(Error::NotFound);
    }
    find(connection, tenant, id)?.ok_or(Error::NotFound)
}
