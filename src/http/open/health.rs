//! Is it there, is it well, how much of what.

use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    clock::to_wire,
    error::Code,
    http::{Answer, Asked, Failure},
    metrics,
};

/// `GET /health` (`contract.md` 6.1).
pub(super) async fn health(asked: Asked) -> Result<Answer, Failure> {
    Answer::field("status", &"ok")?.and("timestamp", &to_wire(asked.hub.parts.clock.now()))
}

/// `GET /healthz`: the process answers; it says nothing of what is below.
pub(super) async fn alive(_: Asked) -> Result<Answer, Failure> {
    Ok(Answer::text("text/plain; charset=utf-8", "ok\n".to_owned()))
}

/// `GET /readyz`: whether it can serve, part by part. 503 while it cannot.
pub(super) async fn ready(asked: Asked) -> Result<Answer, Failure> {
    let parts = &asked.hub.parts;
    let mut shown = Map::new();
    let mut all = true;
    let mut part = |name: &str, well: bool, detail: Value| {
        all &= well;
        let mut row = json!({ "ok": well });
        if let (Some(row), Value::Object(detail)) = (row.as_object_mut(), detail) {
            row.extend(detail);
        }
        shown.insert(name.to_owned(), row);
    };
    let checked = parts.store.check().await;
    // What is wrong goes to the log only: a database's words are for nobody outside.
    if let Err(error) = &checked {
        log::warn!("not ready: the store: {error}");
    }
    let promises: Vec<Value> = parts
        .store
        .broken_promises()
        .iter()
        .map(|broken| json!({ "promise": broken.promise, "setting": broken.setting }))
        .collect();
    part(
        "store",
        checked.is_ok(),
        json!({ "database": parts.store.target().name(), "brokenPromises": promises }),
    );
    part(
        "journal",
        parts.store.journal().trouble().is_none(),
        json!({ "queuedRows": parts.store.journal().queued_rows() }),
    );
    part("drain", !asked.hub.is_draining(), Value::Null);
    for (name, ready) in &parts.ready {
        let (well, detail) = ready();
        part(name, well, detail);
    }
    let status = if all { "ready" } else { "not ready" };
    let answer = Answer::field("status", &status)?.and("parts", &shown)?;
    Ok(if all { answer } else { answer.with_status(StatusCode::SERVICE_UNAVAILABLE) })
}

/// `GET /metrics`.
pub(super) async fn metrics(_: Asked) -> Result<Answer, Failure> {
    let text = metrics::metrics().render().map_err(|_| Failure::of(Code::ServerError))?;
    Ok(Answer::text("application/openmetrics-text; version=1.0.0; charset=utf-8", text))
}
