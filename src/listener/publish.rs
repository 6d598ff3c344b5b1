//! What is published, and to whom.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{ListenerId, TenantId, WidgetId};

/// Who hears it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The room `listener_test:<listenerID>`, as `listener_test_event`.
    Test,
    /// The room `listener:<listenerID>`, as `listener_event`.
    Listener,
    /// The registrations of a widget of the tenant, as `listener_event`.
    Widget(WidgetId),
    /// The room `tenant:<tenantID>`, as `listener_event`.
    Tenant,
}

/// One event of a listener.
#[derive(Debug, Clone, PartialEq)]
pub struct Publication {
    /// Whose.
    pub tenant: TenantId,
    /// Of which listener; it is the tenant's.
    pub listener: ListenerId,
    /// To whom.
    pub target: Target,
    /// `listener:<listenerID>` when absent.
    pub channel: Option<String>,
    /// What happened; what a test shows as the transformed event.
    pub data: Value,
    /// What a page does with it; `replace` when absent.
    pub mode: Option<String>,
    /// Before its transformation, for a test; `data` when absent.
    pub raw_event: Option<Value>,
    /// Why it was not transformed, for a test.
    pub transform_error: Option<String>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// Sockets that were there.
    pub delivered: usize,
}
