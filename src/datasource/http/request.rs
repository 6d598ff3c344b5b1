//! One request, from the source, the query and its inputs.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use serde_json::{Map, Value};
use url::{Url, form_urlencoded::Serializer};

use super::{
    check::{METHODS, base, query_problems, source_problems},
    template::{fill, fill_json, whole},
};
use crate::{
    datasource::{Error, Reason, settings::Secrets, sql::text_of},
    engine::InputProblem,
    outbound::{Redirects, Request, Trust},
};

/// What a request is made from.
pub(in crate::datasource) struct Made<'a> {
    pub source: &'a Value,
    pub secrets: &'a Secrets,
    pub options: &'a Value,
    pub inputs: &'a Map<String, Value>,
    pub idempotency_key: Option<&'a Arc<str>>,
    pub max_bytes: usize,
    pub timeout: Duration,
}

/// The request, or what is wrong with what it is made from.
pub(in crate::datasource) fn build(made: &Made<'_>) -> Result<Request, Error> {
    let problems = source_problems(made.source).into_iter().chain(query_problems(made.options));
    if let Some(problem) = problems.into_iter().next() {
        let message = format!("the query is not valid: {}: {}", problem.path, problem.message);
        return Err(Error::failed(Reason::Settings, message));
    }
    let text = |key: &str| made.options.get(key).and_then(Value::as_str);
    let method = text("method").unwrap_or("GET");
    let mut headers = headers(made);
    let (body, content_type) = body(made)?;
    if let Some(kind) = content_type
        && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
    {
        headers.push(("content-type".to_owned(), kind.to_owned()));
    }
    if let Some(key) = made.idempotency_key
        && !["GET", "HEAD"].contains(&method)
        && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("idempotency-key"))
    {
        headers.push(("idempotency-key".to_owned(), key.to_string()));
    }
    let mut url = address(made)?;
    authenticate(made, &mut url, &mut headers);
    Ok(Request {
        method: METHODS.iter().find(|known| **known == method).copied().unwrap_or("GET").to_owned(),
        url: url.into(),
        headers,
        body,
        trust: Trust::Guarded,
        redirects: Redirects::Follow,
        max_body: Some(made.max_bytes),
        timeout: Some(made.timeout),
    })
}

/// The source's address, the query's path below it, its parameters behind it.
fn address(made: &Made<'_>) -> Result<Url, Error> {
    let invalid = || Error::failed(Reason::Settings, "the address of the data source is not valid");
    let mut url = base(made.source).ok_or_else(invalid)?;
    let path = made.options.get("path").and_then(Value::as_str).unwrap_or_default();
    let (path, fixed) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    if !path.is_empty() {
        let filled = fill(path, made.inputs, encode_segment);
        let climbs = |part: &str| {
            let part = part.to_ascii_lowercase().replace("%2e", ".");
            part == "." || part == ".."
        };
        if filled.split('/').any(climbs) {
            let message = "makes a path that leads elsewhere".to_owned();
            return Err(Error::Inputs(vec![InputProblem { key: "path".to_owned(), message }]));
        }
        let whole = format!("{}/{}", url.path().trim_end_matches('/'), filled.trim_start_matches('/'));
        url.set_path(&whole);
    }
    let mut query = Serializer::new(url.query().unwrap_or_default().to_owned());
    for (name, value) in url::form_urlencoded::parse(fixed.unwrap_or_default().as_bytes()) {
        query.append_pair(&name, &value);
    }
    for (name, value) in made.options.get("query").and_then(Value::as_object).into_iter().flatten() {
        let value = match value {
            Value::String(text) => match whole(text, made.inputs) {
                Some(input) => input.cloned().unwrap_or_default(),
                None => Value::from(fill(text, made.inputs, str::to_owned)),
            },
            other => other.clone(),
        };
        match value {
            // What is not given is not asked for.
            Value::Null => {}
            Value::Array(items) => {
                for item in items {
                    query.append_pair(name, &text_of(&item));
                }
            }
            other => drop(query.append_pair(name, &text_of(&other))),
        }
    }
    let query = query.finish();
    url.set_query((!query.is_empty()).then_some(query.as_str()));
    Ok(url)
}

/// Everything but letters, digits and `-_~`: a value stays one segment.
fn encode_segment(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~.".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Those of the source, those of the query over them. Values with line breaks are refused where
/// they are sent (`faults.md` A52).
fn headers(made: &Made<'_>) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    let mut set = |name: &str, value: String| {
        out.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        out.push((name.to_owned(), value));
    };
    for options in [made.source, made.options] {
        for (name, value) in options.get("headers").and_then(Value::as_object).into_iter().flatten() {
            set(name, fill(value.as_str().unwrap_or_default(), made.inputs, str::to_owned));
        }
    }
    for (name, secret) in made.secrets.below("secretHeaders") {
        set(name, secret.expose().to_owned());
    }
    if !out.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept")) {
        out.push(("accept".to_owned(), "application/json".to_owned()));
    }
    out
}

fn body(made: &Made<'_>) -> Result<(Option<Bytes>, Option<&'static str>), Error> {
    let Some(body) = made.options.get("body").filter(|body| !body.is_null()) else { return Ok((None, None)) };
    let kind = made.options.get("bodyType").and_then(Value::as_str).unwrap_or("json");
    Ok(match kind {
        "form" => {
            let mut form = Serializer::new(String::new());
            for (name, value) in body.as_object().into_iter().flatten() {
                form.append_pair(name, &text_of(&fill_json(value, made.inputs)));
            }
            (Some(form.finish().into()), Some("application/x-www-form-urlencoded"))
        }
        "text" => {
            let text = fill(body.as_str().unwrap_or_default(), made.inputs, str::to_owned);
            (Some(text.into()), Some("text/plain; charset=utf-8"))
        }
        _ => (Some(fill_json(body, made.inputs).to_string().into()), Some("application/json")),
    })
}

fn authenticate(made: &Made<'_>, url: &mut Url, headers: &mut Vec<(String, String)>) {
    let auth = made.source.get("auth");
    let text = |key: &str| auth.and_then(|auth| auth.get(key)).and_then(Value::as_str).unwrap_or_default();
    let secret =
        |key: &str| made.secrets.get(key).map(|secret| secret.expose().to_owned()).unwrap_or_default();
    let (name, value) = match text("type") {
        "bearer" => ("authorization", format!("Bearer {}", secret("token"))),
        "basic" => {
            let pair = format!("{}:{}", text("username"), secret("password"));
            ("authorization", format!("Basic {}", BASE64.encode(pair)))
        }
        "apiKey" if text("in") == "query" => {
            url.query_pairs_mut().append_pair(text("name"), &secret("apiKey"));
            return;
        }
        "apiKey" => (text("name"), secret("apiKey")),
        _ => return,
    };
    headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    headers.push((name.to_owned(), value));
}
