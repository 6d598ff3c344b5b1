//! What is called and what comes back.

use std::time::Duration;

use bytes::Bytes;

/// Where the address of a call comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// From a tenant: only public addresses and `outbound.ports`.
    Guarded,
    /// From the operator's own settings: any address and port.
    Operator,
}

/// Which redirects are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redirects {
    /// Up to `outbound.redirects`, each checked like the first address; credentials stay behind
    /// when the origin changes.
    Follow,
    /// The same, but only to the same scheme, host and port.
    SameOrigin,
    /// None: a redirect is an answer.
    None,
}

/// One call.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method, upper case.
    pub method: String,
    /// Absolute address.
    pub url: String,
    /// Headers, checked before anything is sent.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Option<Bytes>,
    /// Where the address comes from.
    pub trust: Trust,
    /// Which redirects are followed.
    pub redirects: Redirects,
    /// A smaller limit than `outbound.max_body` (an operator's call may have a larger one).
    pub max_body: Option<usize>,
    /// A limit of time other than `outbound.total_timeout`.
    pub timeout: Option<Duration>,
}

impl Request {
    /// A guarded GET.
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            method: "GET".to_owned(),
            url: url.into(),
            headers: Vec::new(),
            body: None,
            trust: Trust::Guarded,
            redirects: Redirects::Follow,
            max_body: None,
            timeout: None,
        }
    }

    /// The same call to an address of the operator's own settings.
    pub fn trusted(self) -> Self {
        Self { trust: Trust::Operator, ..self }
    }

    /// The same call with one more header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// What came back, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case; values that are no text are left out.
    pub headers: Vec<(String, String)>,
    /// Body after decompression.
    pub body: Bytes,
    /// The address that answered, after redirects.
    pub url: String,
}

impl Answer {
    /// The first header of that name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}
