//! An event of a listener, handed in and forwarded (`contract.md` 3.12).

use serde_json::Value;

use super::{form::Form, listeners::find};
use crate::{
    error::Code,
    http::{Answer, Asked, Failure},
    ids::WidgetId,
    listener::{Publication, Target},
};

pub(super) async fn publish(asked: Asked) -> Result<Answer, Failure> {
    let listener = find(&asked).await?;
    let most = asked.hub.parts.config.limits.inputs.get();
    let size = asked.body.to_string().len();
    if size > most {
        let message = format!("the event has {size} bytes, limits.inputs allows {most}");
        return Err(Failure::new(Code::PayloadTooLarge, message));
    }
    let mut form = Form::of(&asked)?;
    form.need(&["target"]);
    let widget = form.id("widgetID", WidgetId::parse).flatten();
    let target = match (form.word(&["target"], 16).as_deref(), widget) {
        (Some("test"), _) => Some(Target::Test),
        (Some("listener"), _) => Some(Target::Listener),
        (Some("tenant"), _) => Some(Target::Tenant),
        (Some("widget"), Some(widget)) => Some(Target::Widget(widget)),
        (Some("widget"), None) => {
            form.need(&["widgetID"]);
            None
        }
        (Some(_), _) => {
            form.wrong("target", "must be test, listener, widget or tenant");
            None
        }
        (None, _) => None,
    };
    let mode = form.word(&["mode"], 64);
    let channel = form.word(&["channelName"], 255);
    let transform_error = form.description("transformError").flatten();
    form.finish()?;
    // Whatever is wrong with a target was told.
    let target = target.ok_or_else(|| Failure::of(Code::ValidationError))?;
    let given = |name: &str| asked.body.get(name).cloned();
    let published = asked.hub.parts.listeners.publish(Publication {
        tenant: listener.tenant_id,
        listener: listener.listener_id,
        target,
        channel,
        data: given("data").unwrap_or(Value::Null),
        mode,
        raw_event: given("rawEvent"),
        transform_error,
    });
    Answer::object(&published.await?)
}
