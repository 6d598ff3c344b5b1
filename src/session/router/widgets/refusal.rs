//! Why an event of a widget is refused: one error event and the ack.

use serde_json::value::RawValue;

use crate::{
    auth,
    error::{Code, Coded},
    ids::WidgetId,
    protocol::events::{self, Client, Server, WidgetDisconnect, WidgetError, WidgetErrorBody, WireTime},
    session::router::{hub::From, runs},
    widget, workflow,
};

/// Why.
#[derive(Debug, thiserror::Error)]
pub(in crate::session::router) enum Refusal {
    #[error(transparent)]
    Payload(#[from] events::Error),
    /// Missing, or of a tenant that is none of the caller's business: the same words for both.
    #[error("no such workflow")]
    WorkflowNotFound,
    /// The same.
    #[error("no such run")]
    RunNotFound,
    #[error("you may not {0}")]
    Denied(&'static str),
    #[error("this widget is not connected")]
    NotConnected,
    #[error("a socket has at most {0} widgets at once (limits.joins)")]
    TooMany(usize),
    #[error("too many events of this tenant (limits.client_events_per_tenant): try again in {0} ms")]
    TooFast(u64),
    #[error("too many events: try again in {0} ms")]
    Limited(u64),
    #[error("{what} has {bytes} bytes, limits.inputs allows {most}")]
    TooLarge { what: &'static str, bytes: usize, most: usize },
    #[error(transparent)]
    Auth(auth::Error),
    #[error(transparent)]
    Workflow(#[from] workflow::Error),
    #[error(transparent)]
    Widget(#[from] widget::Error),
}

impl Coded for Refusal {
    fn code(&self) -> Code {
        match self {
            Refusal::Payload(error) => error.code(),
            Refusal::WorkflowNotFound => Code::WorkflowNotFound,
            Refusal::RunNotFound => Code::RunNotFound,
            Refusal::Denied(_) => Code::PermissionDenied,
            Refusal::NotConnected => Code::NotConnected,
            Refusal::TooMany(_) | Refusal::TooFast(_) | Refusal::Limited(_) => Code::RateLimited,
            Refusal::TooLarge { .. } => Code::PayloadTooLarge,
            Refusal::Auth(error) => error.code(),
            Refusal::Workflow(error) => error.code(),
            Refusal::Widget(error) => error.code(),
        }
    }
}

impl std::convert::From<runs::Refusal> for Refusal {
    fn from(refusal: runs::Refusal) -> Self {
        match refusal {
            runs::Refusal::Payload(error) => Refusal::Payload(error),
            runs::Refusal::NotFound => Refusal::RunNotFound,
            runs::Refusal::Denied => Refusal::Denied("watch this run"),
            runs::Refusal::TooMany(most) => Refusal::TooMany(most),
            runs::Refusal::TooFast(wait) => Refusal::TooFast(wait),
            runs::Refusal::Auth(error) => Refusal::Auth(error),
            runs::Refusal::Workflow(error) => Refusal::Workflow(error),
        }
    }
}

/// The error event, and the ack.
pub(in crate::session::router) fn refuse(
    from: &From,
    what: Code,
    widget: Option<WidgetId>,
    refusal: &(impl Coded + ?Sized),
) {
    from.refuse(refusal);
    tell(from, what, widget, refusal);
}

fn tell(from: &From, what: Code, widget: Option<WidgetId>, refusal: &(impl Coded + ?Sized)) {
    let error = WidgetErrorBody::of(what, refusal);
    let timestamp = WireTime(from.now);
    from.emit(Server::WidgetError, &WidgetError { widget_id: widget, error, timestamp });
}

/// An event that was not taken because the session sends too many: pages know no acks.
pub(in crate::session::router) fn limited(
    from: &From,
    event: Client,
    argument: &RawValue,
    retry_after_ms: u64,
) {
    let what = match event {
        Client::WidgetConnect => Code::ConnectionFailed,
        Client::WidgetInput => Code::InputFailed,
        Client::WidgetRefresh => Code::RefreshFailed,
        _ => return,
    };
    tell(from, what, named(argument), &Refusal::Limited(retry_after_ms));
}

/// What cannot be read may still name its widget: pages look for it.
pub(super) fn named(argument: &RawValue) -> Option<WidgetId> {
    WidgetDisconnect::parse(argument).ok().map(|named| named.widget_id)
}
