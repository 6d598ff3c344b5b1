//! One request, from its head to its answer.

use std::{collections::HashMap, net::IpAddr, panic::AssertUnwindSafe};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method,
        header::{self, HeaderName, HeaderValue},
    },
    web,
};
use futures_util::FutureExt;

use super::{
    body,
    origin::{self, Allowed},
};
use crate::{
    auth::{self, Credentials, Identity, Proof},
    error::{Class, Code},
    http::{Access, Answer, Asked, Failure, Hub, Route},
    ids::TenantId,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Nothing that the hub answers loads or is framed; the console will bring a policy of its own.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// Who asks, before anything is known of what.
struct Caller {
    request_id: String,
    ip: Option<IpAddr>,
    peer_is_local: bool,
}

/// Answers a request for an address of the table; `routes` are those of the address.
pub(in crate::http) async fn pass(
    hub: web::Data<Hub>,
    routes: &'static [&'static Route],
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let _begun = hub.begin();
    let asked_at = hub.parts.clock.monotonic();
    let caller = caller(&hub, &request);
    let (allowed, outcome) = match hub.gate.origins.check(request.headers()) {
        Err(failure) => (Allowed::Nobody, Err(failure)),
        Ok(allowed) if origin::is_preflight(request.method(), request.headers()) => {
            return finished(origin::preflight(), &allowed, &caller.request_id);
        }
        Ok(allowed) => (allowed, carried_out(&hub, routes, &request, payload, &caller).await),
    };
    let path = request.path();
    let (response, failure) = match outcome {
        Ok(answer) => (answer.response(path), None),
        Err(failure) => (failure.response(path, &caller.request_id), Some(failure)),
    };
    let took = hub.parts.clock.monotonic().saturating_duration_since(asked_at);
    log(&request, response.status().as_u16(), failure.as_ref(), took.as_millis(), &caller);
    finished(response, &allowed, &caller.request_id)
}

/// Answers a request for an address that is not in the table.
pub(in crate::http) async fn nothing_here(hub: web::Data<Hub>, request: HttpRequest) -> HttpResponse {
    let caller = caller(&hub, &request);
    let (allowed, failure) = match hub.gate.origins.check(request.headers()) {
        Err(failure) => (Allowed::Nobody, failure),
        Ok(allowed) => {
            let known = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
            let failure = if known.contains(request.method()) {
                Failure::unknown_address()
            } else {
                Failure::method("GET, POST, PUT, PATCH, DELETE".to_owned())
            };
            (allowed, failure)
        }
    };
    let response = failure.response(request.path(), &caller.request_id);
    log(&request, response.status().as_u16(), Some(&failure), 0, &caller);
    finished(response, &allowed, &caller.request_id)
}

fn caller(hub: &Hub, request: &HttpRequest) -> Caller {
    let ip = hub.gate.proxies.client(request.peer_addr(), request.headers());
    Caller {
        request_id: uuid::Uuid::now_v7().to_string(),
        ip,
        peer_is_local: ip.is_some_and(|ip| ip.is_loopback()),
    }
}

async fn carried_out(
    hub: &web::Data<Hub>,
    routes: &'static [&'static Route],
    request: &HttpRequest,
    payload: web::Payload,
    caller: &Caller,
) -> Result<Answer, Failure> {
    let Some(route) = routes.iter().find(|route| route.method == request.method().as_str()) else {
        let allow: Vec<&str> = routes.iter().map(|route| route.method).collect();
        return Err(Failure::method(allow.join(", ")));
    };
    if hub.is_draining() && route.method != "GET" {
        return Err(Failure::of(Code::Draining).and_close());
    }
    body::check_encoding(request.headers())?;
    let path = path(request)?;
    let identity = admitted(hub, route, request, caller).await?;
    let tenant = match (&route.access, &identity) {
        (Access::Tenant(permissions), Some(identity)) => {
            Some(tenant(hub, route, permissions, &path, identity).await?)
        }
        _ => None,
    };
    let body = match route.method {
        "GET" => serde_json::Value::Null,
        _ => body::read(request.headers(), payload, &hub.gate.bounds).await?,
    };
    let asked = Asked {
        hub: hub.clone(),
        identity,
        tenant,
        request_id: caller.request_id.clone(),
        ip: caller.ip,
        path,
        query: query(request)?,
        body,
        idempotency_key: idempotency_key(request)?,
        wants_html: text(request, header::ACCEPT).is_some_and(|accept| accept.contains("text/html")),
    };
    // A panic is a defect; its caller gets an answer all the same, and the worker lives on.
    let outcome = match AssertUnwindSafe((route.handler)(asked)).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(_) => Err(Failure::of(Code::ServerError)),
    };
    match route.access {
        Access::Tenant(_) => outcome.map_err(Failure::evened),
        _ => outcome,
    }
}

/// The parts of the address, decoded once. Control characters have no business in any of them, and
/// PostgreSQL takes no NUL.
fn path(request: &HttpRequest) -> Result<HashMap<String, String>, Failure> {
    let decoded = |(name, value): (&str, &str)| {
        let value = decoded(value).filter(|value| !value.chars().any(char::is_control))?;
        Some((name.to_owned(), value))
    };
    let parts: Option<HashMap<_, _>> = request.match_info().iter().map(decoded).collect();
    parts.ok_or_else(|| Failure::invalid("the address has a broken % or a control character in it"))
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = std::str::from_utf8(after.get(..2)?).ok()?;
        // `from_str_radix` alone would take a sign.
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = after.get(2..)?;
    }
    String::from_utf8(bytes).ok()
}

/// The identity, when the route admits it. A cookie and a query are no credential here.
async fn admitted(
    hub: &Hub,
    route: &Route,
    request: &HttpRequest,
    caller: &Caller,
) -> Result<Option<Identity>, Failure> {
    let operators = match route.access {
        Access::Open => return Ok(None),
        Access::Operations if caller.peer_is_local => return Ok(None),
        Access::Operations | Access::Platform => true,
        Access::Tenant(_) => false,
    };
    let now = hub.parts.clock.monotonic();
    if operators && caller.ip.is_some_and(|ip| hub.gate.failures.must_wait(ip, now)) {
        return Err(auth::Error::TooManyFailures.into());
    }
    let headers = request.headers();
    if headers.get_all(header::AUTHORIZATION).count() > 1 {
        return Err(Failure::invalid("Authorization was sent twice"));
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let verified = hub.parts.auth.verify(Credentials::from_request(header, "")).await;
    if operators
        && let (Some(ip), Err(error)) = (caller.ip, &verified)
        && error.is_failed_credential()
    {
        hub.gate.failures.note(ip, now);
    }
    let identity = verified?;
    if identity.user.is_none() && matches!(identity.proof, Proof::Token { .. }) {
        return Err(auth::Error::NoUser.into());
    }
    if operators && !identity.platform_admin {
        return Err(auth::Error::Denied.into());
    }
    Ok(Some(identity))
}

/// The tenant of the address, if the identity may do there what the route does.
async fn tenant(
    hub: &Hub,
    route: &Route,
    permissions: &[auth::Permission],
    path: &HashMap<String, String>,
    identity: &Identity,
) -> Result<TenantId, Failure> {
    let text = path.get("tenantID").map_or("", String::as_str);
    let tenant = TenantId::parse(text).map_err(|error| Failure::invalid(format!("tenantID: {error}")))?;
    for permission in permissions {
        match hub.parts.auth.authorize(identity, *permission, &tenant).await {
            Err(auth::Error::NotAMember) => return Err(Failure::of(route.missing)),
            outcome => outcome?,
        }
    }
    Ok(tenant)
}

fn query(request: &HttpRequest) -> Result<HashMap<String, String>, Failure> {
    let mut query = HashMap::new();
    for (name, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
        if value.chars().any(char::is_control) {
            return Err(Failure::invalid("the query has a control character in it"));
        }
        query.entry(name.into_owned()).or_insert_with(|| value.into_owned());
    }
    Ok(query)
}

fn text(request: &HttpRequest, name: HeaderName) -> Option<&str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

fn idempotency_key(request: &HttpRequest) -> Result<Option<String>, Failure> {
    let Some(value) = request.headers().get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= 128 => Ok(Some(key.to_owned())),
        Ok(_) | Err(_) => Err(Failure::invalid("Idempotency-Key: 1 to 128 visible characters")),
    }
}

fn finished(mut response: HttpResponse, allowed: &Allowed, request_id: &str) -> HttpResponse {
    let headers = response.headers_mut();
    allowed.write(headers);
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

/// One line a request: the caller's mistakes at debug, ours as loud as their class. Never a query.
fn log(request: &HttpRequest, status: u16, failure: Option<&Failure>, duration_ms: u128, caller: &Caller) {
    let level = match failure.map(|failure| failure.code().class()) {
        None | Some(Class::Client) => log::Level::Debug,
        Some(Class::Unavailable) => log::Level::Warn,
        Some(Class::Bug) => log::Level::Error,
    };
    let code = failure.map_or("", |failure| failure.code().as_str());
    let cause = failure.and_then(Failure::cause).unwrap_or("");
    log::log!(
        level,
        request_id = caller.request_id.as_str(), method = request.method().as_str(), path = request.path(),
        status, duration_ms = u64::try_from(duration_ms).unwrap_or(u64::MAX), code, cause; "request"
    );
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn an_address_is_decoded_once() {
        assert_eq!(decoded("a%20b%2Fc+d").as_deref(), Some("a b/c+d"));
        assert_eq!(decoded("%2541").as_deref(), Some("%41"));
        for broken in ["%", "%4", "%+1", "%zz", "%ff"] {
            assert_eq!(decoded(broken), None, "{broken}");
        }
    }
}
