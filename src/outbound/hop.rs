//! One request of a call, checked before anything is sent: address, method, headers; and what a
//! redirect makes of it.

use bytes::Bytes;
use reqwest::{
    Method,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use url::{Host, Url};

use super::{Error, Redirects, Request, Trust, address::is_public};
use crate::config::sections as config;

/// Longest address.
const LONGEST_URL: usize = 8 * 1024;
/// Headers that belong to the connection, or that decide where a request ends.
const OURS: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// Headers that may follow a redirect to another origin: nothing that could be a credential.
const HARMLESS: &[&str] = &["accept", "accept-language", "content-type", "user-agent"];

/// A checked request.
#[derive(Debug, Clone)]
pub(super) struct Hop {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
    pub trust: Trust,
}

impl Hop {
    /// Checks a call's first request.
    pub fn first(request: &Request, settings: &config::Outbound) -> Result<Self, Error> {
        let method = Method::from_bytes(request.method.as_bytes());
        let method = method.map_err(|_| Error::InvalidHeader("method"))?;
        if [Method::CONNECT, Method::TRACE].contains(&method) {
            return Err(Error::InvalidHeader("method"));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            let name = name.map_err(|_| Error::InvalidHeader("name of a header"))?;
            if OURS.contains(&name.as_str()) {
                return Err(Error::InvalidHeader("name of a header"));
            }
            let value =
                HeaderValue::from_str(value).map_err(|_| Error::InvalidHeader("value of a header"))?;
            headers.append(name, value);
        }
        if request.url.len() > LONGEST_URL {
            return Err(Error::InvalidUrl("it is too long".to_owned()));
        }
        // The parser would leave them out; whoever sent them meant something else.
        if request.url.chars().any(char::is_control) {
            return Err(Error::InvalidHeader("address"));
        }
        let url = Url::parse(&request.url).map_err(|error| Error::InvalidUrl(error.to_string()))?;
        check(&url, request.trust, settings)?;
        Ok(Self { method, url, headers, body: request.body.clone(), trust: request.trust })
    }

    /// The request that a redirect asks for.
    pub fn next(
        mut self,
        status: u16,
        location: &str,
        policy: Redirects,
        settings: &config::Outbound,
    ) -> Result<Self, Error> {
        let url = self.url.join(location).map_err(|_| Error::Redirect("to an address that is not valid"))?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(Error::Redirect("to another scheme"));
        }
        if url.origin() != self.url.origin() {
            if policy == Redirects::SameOrigin {
                return Err(Error::Redirect("to another host"));
            }
            // The operator named one address; where it points to is somebody else's word.
            self.trust = Trust::Guarded;
            let kept = self.headers.iter().filter(|(name, _)| HARMLESS.contains(&name.as_str()));
            self.headers = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
        }
        check(&url, self.trust, settings)?;
        let becomes_get = match status {
            301 | 302 => self.method == Method::POST,
            303 => self.method != Method::HEAD,
            _ => false,
        };
        if becomes_get {
            self.method = Method::GET;
            self.body = None;
            self.headers.remove("content-type");
        }
        self.url = url;
        Ok(self)
    }
}

/// Scheme, user, port, and the address if one is written out; a name is checked when it is resolved.
fn check(url: &Url, trust: Trust, settings: &config::Outbound) -> Result<(), Error> {
    if !["http", "https"].contains(&url.scheme()) {
        return Err(Error::InvalidUrl("it must begin with http or https".to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::InvalidUrl("it must not hold a user".to_owned()));
    }
    let Some(host) = url.host() else { return Err(Error::InvalidUrl("it has no host".to_owned())) };
    if trust == Trust::Operator {
        return Ok(());
    }
    // The parser has turned every spelling of an IPv4 address (2130706433, 0x7f.1) into one.
    let address = match host {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    };
    if !settings.allow_private && address.is_some_and(|address| !is_public(address)) {
        return Err(Error::BlockedAddress { host: host.to_string() });
    }
    let port = url.port_or_known_default().unwrap_or_default();
    if !settings.ports.contains(&port) {
        return Err(Error::BlockedPort { port });
    }
    Ok(())
}
