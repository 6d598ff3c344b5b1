//! Widgets that are connected now. A row is bound to its socket: it goes with it, and what an earlier
//! process left is removed at start.

use diesel::prelude::*;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    columns::{Id, Json, OptId},
    to_micros,
};
use crate::{
    ids::{ApiKeyId, HubId, RunId, SocketId, TenantId, UserId, WidgetId, WorkflowId},
    store::{Connection, Error, schema::registrations},
};

/// A widget of a socket and its run.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = registrations)]
pub struct Registration {
    /// Of which socket.
    #[diesel(deserialize_as = Id)]
    pub socket_id: SocketId,
    /// What the page calls it.
    #[diesel(deserialize_as = Id)]
    pub widget_id: WidgetId,
    /// The run's tenant.
    #[diesel(deserialize_as = Id)]
    pub tenant_id: TenantId,
    /// The run's workflow; none: a test run of none that is saved.
    #[diesel(deserialize_as = OptId)]
    pub workflow_id: Option<WorkflowId>,
    /// The run.
    #[diesel(deserialize_as = Id)]
    pub instance_id: RunId,
    /// `execute` or `subscribe`.
    pub mode: String,
    /// As they came; null without any.
    #[diesel(deserialize_as = Json)]
    pub inputs: Value,
    /// What the page said about the widget.
    #[diesel(deserialize_as = Json)]
    pub config: Value,
    /// Who connected it, if a user did.
    #[diesel(deserialize_as = OptId)]
    pub starter_user_id: Option<UserId>,
    /// The API key, if one was used.
    #[diesel(deserialize_as = OptId)]
    pub starter_api_key_id: Option<ApiKeyId>,
}

/// Writes one, in the place of that of the same socket and widget.
pub fn put(connection: &mut Connection, row: &Registration, hub: &HubId, at: Timestamp) -> Result<(), Error> {
    let values = (
        registrations::tenant_id.eq(row.tenant_id.as_str()),
        registrations::workflow_id.eq(row.workflow_id.as_ref().map(WorkflowId::as_str)),
        registrations::instance_id.eq(row.instance_id.as_str()),
        registrations::mode.eq(&row.mode),
        registrations::inputs.eq(row.inputs.to_string()),
        registrations::config.eq(row.config.to_string()),
        registrations::starter_user_id.eq(row.starter_user_id.as_ref().map(UserId::as_str)),
        registrations::starter_api_key_id.eq(row.starter_api_key_id.as_ref().map(ApiKeyId::as_str)),
        registrations::hub_id.eq(hub.as_str()),
        registrations::created_at.eq(to_micros(at)),
    );
    let place = registrations::table.find((row.socket_id.as_str(), row.widget_id.as_str()));
    if diesel::update(place).set(values.clone()).execute(connection)? == 0 {
        let key = (
            registrations::socket_id.eq(row.socket_id.as_str()),
            registrations::widget_id.eq(row.widget_id.as_str()),
        );
        diesel::insert_into(registrations::table).values((key, values)).execute(connection)?;
    }
    Ok(())
}

/// One.
pub fn find(
    connection: &mut Connection,
    socket: &SocketId,
    widget: &WidgetId,
) -> Result<Option<Registration>, Error> {
    let query = registrations::table.find((socket.as_str(), widget.as_str()));
    Ok(query.select(Registration::as_select()).first(connection).optional()?)
}

/// Removes one, if it is there.
pub fn remove(connection: &mut Connection, socket: &SocketId, widget: &WidgetId) -> Result<(), Error> {
    let row = registrations::table.find((socket.as_str(), widget.as_str()));
    diesel::delete(row).execute(connection)?;
    Ok(())
}

/// Removes those of other processes than this; how many.
pub fn forget_others(connection: &mut Connection, hub: &HubId) -> Result<usize, Error> {
    let others = registrations::table.filter(registrations::hub_id.ne(hub.as_str()));
    Ok(diesel::delete(others).execute(connection)?)
}

/// How many there are.
pub fn count(connection: &mut Connection) -> Result<i64, Error> {
    Ok(registrations::table.count().get_result(connection)?)
}
