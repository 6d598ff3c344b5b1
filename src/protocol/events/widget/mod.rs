//! The events of widgets: `contract.md` 2.5 to 2.8, 3.6 to 3.10.

mod client;
mod examples;
mod server;

pub use self::{
    client::{WidgetConnect, WidgetDisconnect, WidgetInput, WidgetMode, WidgetRefresh},
    server::{
        WidgetConnected, WidgetContextUpdate, WidgetDisconnected, WidgetError, WidgetErrorBody,
        WidgetInputAck, WidgetInputReceived, WidgetNode, WidgetNodeKind, WidgetStatus, WorkflowMeta,
    },
};
pub(super) use examples::{client as client_examples, server as server_examples};
