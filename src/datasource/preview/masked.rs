//! A request without what opens its service. It is built from placeholders, never from a text in which
//! credentials are looked for afterwards.

use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;

use super::Would;
use crate::datasource::{Error, http, settings::Secrets};

/// Stands where a credential would.
const MASK: &str = "***";

/// Parts of names of headers whose values are credentials, wherever they are written.
const TELLING: &[&str] = &["auth", "cookie", "key", "token", "secret", "password", "signature", "session"];

/// The request of a query over a source with these options and credentials.
pub(super) fn request(
    source: &Value,
    secrets: &Secrets,
    options: &Value,
    inputs: &Map<String, Value>,
) -> Result<Would, Error> {
    let (source, secrets) = (without_parameters(source), secrets.masked(MASK));
    let built = http::build(&http::Made {
        source: &source,
        secrets: &secrets,
        options,
        inputs,
        idempotency_key: None,
        max_bytes: 0,
        timeout: Duration::ZERO,
    })?;
    let headers = built.headers.into_iter().map(|(name, value)| {
        let value = if tells(&name) { masked(&value) } else { value };
        (name, value)
    });
    Ok(Would::Request {
        method: built.method,
        url: built.url,
        headers: headers.collect(),
        body: built.body.map(|body| String::from_utf8_lossy(&body).into_owned()),
    })
}

/// What stands behind the address of a source itself may be a key.
fn without_parameters(source: &Value) -> Value {
    let mut source = source.clone();
    for key in ["url", "baseUrl"] {
        let Some(mut url) = source.get(key).and_then(Value::as_str).and_then(|text| Url::parse(text).ok())
        else {
            continue;
        };
        let names: Vec<String> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
        if !names.is_empty() {
            url.query_pairs_mut().clear().extend_pairs(names.iter().map(|name| (name, MASK)));
            source[key] = Value::from(String::from(url));
        }
    }
    source
}

fn tells(header: &str) -> bool {
    let header = header.to_ascii_lowercase();
    TELLING.iter().any(|part| header.contains(part))
}

/// The way to authenticate is no secret.
fn masked(value: &str) -> String {
    let scheme = value.split_once(' ').map(|(scheme, _)| scheme);
    match scheme.filter(|scheme| ["Basic", "Bearer"].contains(scheme)) {
        Some(scheme) => format!("{scheme} {MASK}"),
        None => MASK.to_owned(),
    }
}
