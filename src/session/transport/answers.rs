//! Answers of the Engine.IO path: headers of CORS, refusals, payloads.

use actix_http::{
    ContentEncoding,
    body::{BoxBody, MessageBody as _},
    encoding::Encoder,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};
use actix_web::{HttpResponse, HttpResponseBuilder, http::StatusCode};

use super::handshake::{Asked, Refusal};
use crate::{
    metrics::{Reason, metrics},
    session::{engine::Engine, settings::Origins},
};

/// Payloads from this size on are compressed for who takes it.
const COMPRESSED: usize = 1024;

/// Counts a refused handshake.
pub(super) fn count(refusal: &Refusal) {
    metrics().sessions.refused.get_or_create(&Reason { reason: refusal.reason }).inc();
}

/// CORS: `*` when every origin may, else the origin itself; never with credentials. An origin that may
/// not gets no header.
pub(super) fn cors(engine: &Engine, asked: &Asked<'_>) -> Vec<(HeaderName, HeaderValue)> {
    let Some(origin) = asked.allowed_origin(engine) else { return Vec::new() };
    let listed = engine.0.settings.origins != Origins::Any;
    let allowed =
        if listed { HeaderValue::from_str(origin).ok() } else { Some(HeaderValue::from_static("*")) };
    let Some(allowed) = allowed else { return Vec::new() };
    let mut headers = vec![(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed)];
    if listed {
        headers.push((header::VARY, HeaderValue::from_static("Origin")));
    }
    headers
}

/// An answer with its CORS headers.
pub(super) struct Answers(pub Vec<(HeaderName, HeaderValue)>);

impl Answers {
    fn build(self, status: u16) -> HttpResponseBuilder {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = HttpResponse::build(status);
        for header in self.0 {
            response.append_header(header);
        }
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        response
    }

    /// `{"code":…,"message":…}`.
    pub fn refuse(self, refusal: &Refusal) -> HttpResponse {
        let mut response = self.build(refusal.status);
        if let Some(wait) = refusal.retry_after {
            response.insert_header((header::RETRY_AFTER, wait.as_secs().max(1).to_string()));
        }
        if refusal.status == 426 {
            response.insert_header((header::SEC_WEBSOCKET_VERSION, "13"));
        }
        response.content_type("application/json").body(refusal_body(refusal))
    }

    /// A status alone.
    pub fn empty(self, status: u16) -> HttpResponse {
        self.build(status).finish()
    }

    /// A preflight: the methods, and the headers that were asked for.
    pub fn preflight(self, asked: &Asked<'_>) -> HttpResponse {
        let mut response = self.build(204);
        response.insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET,HEAD,PUT,PATCH,POST,DELETE"));
        if let Some(headers) = asked.headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            response.insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, headers.clone()));
        }
        response.insert_header((header::VARY, "Access-Control-Request-Headers"));
        response.insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"));
        response.finish()
    }

    /// A POST was taken.
    pub fn ok(self) -> HttpResponse {
        self.build(200).content_type("text/html").body("ok")
    }

    /// Packets for a GET; compressed when they are many and the client takes it.
    pub fn packets(self, body: Vec<u8>, headers: &HeaderMap) -> HttpResponse {
        let compressed = body.len() >= COMPRESSED && takes_gzip(headers);
        let response = self.build(200).content_type("text/plain; charset=UTF-8").body(body);
        if !compressed {
            return response;
        }
        response.map_body(|head, body: BoxBody| Encoder::response(ContentEncoding::Gzip, head, body).boxed())
    }
}

/// The JSON body of a refusal.
pub(super) fn refusal_body(refusal: &Refusal) -> String {
    format!(r#"{{"code":{},"message":"{}"}}"#, refusal.code, refusal.message)
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
            let refused = parts.any(|part| {
                part.strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0))
            });
            named && !refused
        })
}
