//! Which pages may ask: `server.allowed_origins`, compared byte for byte (`faults.md` A23, A24).
//!
//! No cookie is ever a proof, so an origin decides only what a browser may read and send; a request
//! without one comes from no browser and passes.

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::header::{self, HeaderMap, HeaderValue},
};

use crate::error::Code;
use crate::http::Failure;

/// Headers that pages may send.
const REQUEST_HEADERS: &str = "authorization, content-type, idempotency-key, x-api-key";
/// Headers that pages may read.
const RESPONSE_HEADERS: &str = "retry-after, x-request-id";
const METHODS: &str = "GET, POST, PUT, PATCH, DELETE";

/// The origins of the configuration.
pub(super) struct Origins {
    any: bool,
    listed: Vec<String>,
}

/// What the origin of a request is allowed; written into its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    /// No browser, or the page of nobody: no header.
    Nobody,
    /// This page.
    Page(HeaderValue),
    /// All pages.
    Any,
}

impl Origins {
    pub fn new(origins: &[String]) -> Self {
        Self { any: origins.iter().any(|origin| origin == "*"), listed: origins.to_vec() }
    }

    /// The verdict on a request.
    pub fn check(&self, headers: &HeaderMap) -> Result<Allowed, Failure> {
        let mut origins = headers.get_all(header::ORIGIN);
        let Some(origin) = origins.next() else { return Ok(Allowed::Nobody) };
        let refused = || Failure::of(Code::NotAllowedByCors);
        if origins.next().is_some() {
            return Err(refused());
        }
        if self.any {
            return Ok(Allowed::Any);
        }
        let listed = origin.to_str().is_ok_and(|text| self.listed.iter().any(|known| known == text));
        if listed { Ok(Allowed::Page(origin.clone())) } else { Err(refused()) }
    }
}

impl Allowed {
    /// Tells the browser, and caches, what was decided. Never `*` with credentials: none are allowed.
    pub fn write(&self, headers: &mut actix_web::http::header::HeaderMap) {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        let value = match self {
            Self::Nobody => return,
            Self::Page(origin) => origin.clone(),
            Self::Any => HeaderValue::from_static("*"),
        };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, value);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(RESPONSE_HEADERS));
    }
}

/// Whether a request is a browser's question before the real one.
pub(super) fn is_preflight(method: &actix_web::http::Method, headers: &HeaderMap) -> bool {
    *method == actix_web::http::Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to it.
pub(super) fn preflight() -> HttpResponse {
    let mut response: HttpResponseBuilder = HttpResponse::NoContent();
    response
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, METHODS))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"))
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(origins: &[&str], sent: &[&str]) -> Option<Allowed> {
        let listed: Vec<String> = origins.iter().map(|origin| (*origin).to_owned()).collect();
        let mut headers = HeaderMap::new();
        for origin in sent {
            headers.append(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        Origins::new(&listed).check(&headers).ok()
    }

    #[test]
    fn an_origin_is_scheme_host_and_port_exactly() {
        let known = ["https://good.example", "http://localhost:3000"];
        for good in known {
            assert_eq!(
                verdict(&known, &[good]),
                Some(Allowed::Page(HeaderValue::from_str(good).unwrap())),
                "{good}"
            );
        }
        for bad in [
            "null",
            "",
            "https://good.example.evil.com",
            "https://evil.com/https://good.example",
            "https://good.example:443",
            "https://good.example/",
            "http://good.example",
            "https://GOOD.example",
            "https://user@good.example",
            "https://sub.good.example",
            "https://good.example ",
            "http://localhost:3001",
            "*",
        ] {
            assert_eq!(verdict(&known, &[bad]), None, "{bad:?}");
        }
        assert_eq!(verdict(&known, &["https://good.example", "https://good.example"]), None);
        assert_eq!(verdict(&known, &[]), Some(Allowed::Nobody));
        assert_eq!(verdict(&["*"], &["https://any.example"]), Some(Allowed::Any));
    }
}
