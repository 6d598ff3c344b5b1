//! The query service beside the hub (`contract.md` 5.5): it is asked by POST, its JSON is the value.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    Error, QueryCall, Reason, http,
    settings::Secrets,
    sql::{Limits, Sent},
};
use crate::{
    config::{Secret, sections as config},
    outbound::{self, Outbound, Redirects, Request, Trust},
};

/// Asks it. The address is the operator's own.
pub(super) async fn ask(
    outbound: &Outbound,
    settings: &config::DataSource,
    call: &QueryCall,
    inputs: &Map<String, Value>,
    timeout: Duration,
    sent: &Sent,
) -> Result<Value, Error> {
    let Some(url) = &settings.service_url else {
        return Err(Error::Unavailable("operators: datasource.service_url names a query service"));
    };
    let body = json!({
        "tenantID": call.tenant,
        "dataQueryID": call.query,
        "inputValues": inputs,
        "instanceID": call.run,
        "nodeID": call.node,
        "idempotencyKey": call.idempotency_key,
    });
    let mut headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("accept".to_owned(), "application/json".to_owned()),
    ];
    if let Some(token) = &settings.service_token {
        headers.push(("authorization".to_owned(), format!("Bearer {}", token.expose())));
    }
    if let Some(key) = &call.idempotency_key {
        headers.push(("idempotency-key".to_owned(), key.to_string()));
    }
    let request = Request {
        method: "POST".to_owned(),
        url: url.clone(),
        headers,
        body: Some(body.to_string().into()),
        trust: Trust::Operator,
        redirects: Redirects::None,
        max_body: Some(*settings.max_bytes),
        timeout: Some(timeout),
    };
    let answer = match outbound.send_noting(request, sent.flag()).await {
        Ok(answer) => answer,
        Err(outbound::Error::TooLarge { .. }) => {
            let limits = Limits {
                rows: settings.max_rows,
                bytes: *settings.max_bytes,
                exact_numbers: false,
                cut: false,
            };
            return Err(limits.too_large());
        }
        Err(outbound::Error::Timeout(outbound::Phase::Total)) => return Err(Error::Timeout(timeout)),
        Err(error) => {
            log::warn!(reason = error.reason(); "the query service was not reached");
            return Err(Error::failed(Reason::Unreachable, "the query service cannot be reached"));
        }
    };
    let value: Option<Value> = serde_json::from_slice(&answer.body).ok();
    if (200..300).contains(&answer.status) {
        return value.ok_or_else(|| Error::failed(Reason::Answer, "the query service answered no JSON"));
    }
    if http::refuses(answer.status) {
        sent.undone();
    }
    let words = value.as_ref().and_then(words).map(|words| clean(settings.service_token.as_ref(), words));
    let message = match words {
        Some(words) => format!("the query service answered {}: {words}", answer.status),
        None => format!("the query service answered {}", answer.status),
    };
    Err(Error::failed(Reason::Status, message))
}

/// The service's own words, in the envelopes that are usual.
fn words(value: &Value) -> Option<&str> {
    let error = value.get("error");
    error.and_then(|error| error.get("message")).or(error).or_else(|| value.get("message"))?.as_str()
}

fn clean(token: Option<&Secret>, words: &str) -> String {
    let token = token.map(Secret::expose).unwrap_or_default();
    Secrets::default().clean(words, &[token])
}
