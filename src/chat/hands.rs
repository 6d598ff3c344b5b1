//! What rooms need of others: who answers, and what carries out what a person approved.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::{Answered, Proposal};
use crate::{
    ai::{self, Assistant, Called, Desk, Person, ToolCall},
    ids::{ChatRoomId, TenantId, UserId},
};

/// Who answers in a tenant's rooms.
pub trait Assistants: Send + Sync + 'static {
    /// The assistant of this tenant.
    fn of(&self, tenant: &TenantId) -> Arc<dyn Assistant>;
    /// What has no effect may be run at once.
    fn auto_run(&self, tenant: &TenantId) -> bool;
    /// Takes one turn of the tenant's and the user's rate.
    fn take(&self, tenant: &TenantId, user: &UserId) -> Result<(), ai::Error>;
}

/// What a person may do in a tenant at this moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rights {
    /// See and run saved queries.
    pub query: bool,
    /// See and run workflows.
    pub execute: bool,
}

/// Does what assistants ask for and what people approve, each time with the rights of the person.
pub trait Hands: Send + Sync + 'static {
    /// What the person may do now; nothing when that cannot be found out.
    fn rights(&self, person: Person, tenant: TenantId) -> BoxFuture<'static, Rights>;
    /// For the calls of one turn.
    fn desk(&self, person: Person, tenant: TenantId, room: ChatRoomId) -> Arc<dyn Desk>;
    /// Carries out what a person approved; a workflow is started under the proposal's id.
    fn carry_out(
        &self,
        proposal: Arc<Proposal>,
        person: Person,
        tenant: TenantId,
    ) -> BoxFuture<'static, Answered>;
    /// Shows what it would do, without doing it.
    fn preview(
        &self,
        proposal: Arc<Proposal>,
        person: Person,
        tenant: TenantId,
    ) -> BoxFuture<'static, Called>;
    /// A digest of what the call would run as it is saved now; none when that cannot be said.
    fn seal(&self, call: ToolCall, tenant: TenantId) -> BoxFuture<'static, Option<String>>;
    /// Whether the call changes something; what is not known does.
    fn has_effect(&self, call: ToolCall, tenant: TenantId) -> BoxFuture<'static, bool>;
}
