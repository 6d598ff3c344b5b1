//! Which request is let in: the order of the checks and their codes (`protocol.md` 1.2), the same for
//! polling and for websockets.

use std::{net::IpAddr, sync::Arc, time::Duration};

use actix_http::{
    Method,
    header::{self, HeaderMap, HeaderValue},
};
use base64::Engine as _;

use crate::session::{
    admission::Admitted,
    directory::{Entry, Kind},
    engine::Engine,
    service::Peer,
};

/// Most bytes of a request's headers; the framework's own bound is four times as high.
const MAX_HEAD: usize = 32 * 1024;

/// A request, as far as the handshake looks at it.
pub(super) struct Asked<'a> {
    pub method: &'a Method,
    pub headers: &'a HeaderMap,
    pub query: Query,
    /// The other end of the connection.
    pub connection: IpAddr,
}

/// The query, decoded.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub fn parse(text: &str) -> Self {
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The value, if it is there once: two are none.
    fn one<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        let mut all = self.all(name);
        all.next().filter(|_| all.next().is_none())
    }
}

/// What a request gets that is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    pub status: u16,
    /// Engine.IO's code; a JSON number.
    pub code: u8,
    pub message: &'static str,
    pub retry_after: Option<Duration>,
    /// Label of the metric.
    pub reason: &'static str,
}

impl Refusal {
    const fn new(status: u16, code: u8, message: &'static str, reason: &'static str) -> Self {
        Self { status, code, message, retry_after: None, reason }
    }

    pub const TRANSPORT: Self = Self::new(400, 0, "Transport unknown", "transport");
    pub const SID: Self = Self::new(400, 1, "Session ID unknown", "sid");
    pub const METHOD: Self = Self::new(400, 2, "Bad handshake method", "method");
    pub const REQUEST: Self = Self::new(400, 3, "Bad request", "request");
    pub const FORBIDDEN: Self = Self::new(403, 4, "Forbidden", "origin");
    pub const REVISION: Self = Self::new(400, 5, "Unsupported protocol version", "revision");

    fn limited(retry_after: Duration, reason: &'static str) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(429, 4, "Too many requests", reason) }
    }

    const DRAINING: Self = Self {
        retry_after: Some(Duration::from_secs(1)),
        ..Self::new(503, 4, "The server is being stopped", "draining")
    };
}

/// What a request is let in for.
pub(super) enum Verdict {
    /// A new session.
    Open,
    /// One that is there.
    Session(Arc<Entry>),
}

impl Asked<'_> {
    /// Whether it asks for a websocket.
    pub fn is_upgrade(&self) -> bool {
        let has = |name: header::HeaderName, word: &str| {
            self.headers
                .get_all(name)
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split(','))
                .any(|token| token.trim().eq_ignore_ascii_case(word))
        };
        has(header::UPGRADE, "websocket") && has(header::CONNECTION, "upgrade")
    }

    fn origin(&self) -> Result<Option<&str>, Refusal> {
        let mut origins = self.headers.get_all(header::ORIGIN);
        let Some(first) = origins.next() else { return Ok(None) };
        // two origins are nobody's
        if origins.next().is_some() {
            return Err(Refusal::REQUEST);
        }
        first.to_str().map(Some).map_err(|_| Refusal::REQUEST)
    }

    /// The origin, if it may use this engine: for the headers of CORS.
    pub fn allowed_origin(&self, engine: &Engine) -> Option<&str> {
        let origin = self.origin().ok().flatten()?;
        engine.0.settings.origins.allow(Some(origin)).then_some(origin)
    }

    pub fn client_ip(&self, engine: &Engine) -> IpAddr {
        let forwarded = self.headers.get_all("x-forwarded-for").filter_map(|value| value.to_str().ok());
        // actix gives the values of one name in order
        engine.0.settings.client_ip(self.connection, forwarded)
    }

    /// The checks, in the order of the reference.
    pub fn verify(&self, engine: &Engine) -> Result<Verdict, Refusal> {
        let size: usize = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if size > MAX_HEAD {
            return Err(Refusal::new(431, 3, "Request header fields too large", "head"));
        }
        let kind = match self.query.one("transport") {
            Some("polling") => Kind::Polling,
            Some("websocket") => Kind::Websocket,
            _ => return Err(Refusal::TRANSPORT),
        };
        let origin = self.origin()?;
        let upgrade = self.is_upgrade();
        if self.query.all("sid").next().is_some() {
            let found = self.query.one("sid").and_then(|sid| engine.0.directory.find(sid));
            let Some(entry) = found else {
                return Err(match engine.0.admission.unknown_sid(self.client_ip(engine)) {
                    Ok(()) => Refusal::SID,
                    Err(wait) => Refusal::limited(wait, "unknown_sids"),
                });
            };
            if (kind == Kind::Websocket) != upgrade || (!upgrade && entry.kind() != kind) {
                return Err(Refusal::REQUEST);
            }
            return Ok(Verdict::Session(entry));
        }
        if self.method != Method::GET {
            return Err(Refusal::METHOD);
        }
        if (kind == Kind::Websocket) != upgrade {
            return Err(Refusal::REQUEST);
        }
        if !engine.0.settings.origins.allow(origin) {
            log::info!(origin = origin.unwrap_or(""); "a page of another origin was refused");
            return Err(Refusal::FORBIDDEN);
        }
        if self.query.one("EIO") != Some("4") {
            return Err(Refusal::REVISION);
        }
        Ok(Verdict::Open)
    }

    /// A place for a new session.
    pub fn admit(&self, engine: &Engine) -> Result<(Admitted, Peer), Refusal> {
        if engine.is_draining() {
            return Err(Refusal::DRAINING);
        }
        let ip = self.client_ip(engine);
        let admitted =
            engine.0.admission.admit(ip).map_err(|full| Refusal::limited(Duration::from_secs(1), full.0))?;
        let text =
            |name: &str| self.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let peer = Peer {
            ip,
            origin: text("origin"),
            authorization: text("authorization"),
            api_key: text("x-api-key"),
            user_agent: text("user-agent").map(|agent| agent.chars().take(256).collect()),
            query: self.query.0.clone(),
        };
        Ok((admitted, peer))
    }

    /// The headers of a websocket's request (RFC 6455 4.2.1).
    ///
    /// # Errors
    /// 426 with the version that is spoken, or 400.
    pub fn websocket_key(&self) -> Result<&HeaderValue, Refusal> {
        if self.headers.get(header::SEC_WEBSOCKET_VERSION).map(HeaderValue::as_bytes) != Some(b"13") {
            return Err(Refusal::new(426, 3, "Upgrade Required", "websocket_version"));
        }
        let key = self.headers.get(header::SEC_WEBSOCKET_KEY).ok_or(Refusal::REQUEST)?;
        let decoded = base64::engine::general_purpose::STANDARD.decode(key.as_bytes());
        if decoded.is_ok_and(|bytes| bytes.len() == 16) { Ok(key) } else { Err(Refusal::REQUEST) }
    }
}
