//! The client: one call with its limits, hop by hop.

use std::{
    error::Error as _,
    fmt,
    net::IpAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use reqwest::{Client, Response};
use url::{Host, Url};

use super::{
    address::is_here,
    hop::Hop,
    resolver::{Blocked, Lookup, Resolver, System},
};
use crate::{
    config::sections as config,
    outbound::{Answer, Error, Phase, Redirects, Request, Trust},
};

/// How long a connection without work is kept.
const IDLE_CONNECTION: Duration = Duration::from_secs(30);

/// The outgoing HTTP client. Cheap to clone; needs a tokio runtime when used.
#[derive(Clone)]
pub struct Outbound {
    settings: Arc<config::Outbound>,
    guarded: Client,
    /// For the hub's own ports: there only other machines may be called.
    away: Client,
    own_ports: Arc<OnceLock<Vec<u16>>>,
    /// Connections of its own: one to the inside must never be found in the pool by a tenant's call.
    trusted: Client,
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Outbound {
    /// Builds it; installs the process's TLS provider if none is.
    pub fn new(settings: &config::Outbound) -> Result<Self, Error> {
        Self::with_lookup(settings, Arc::new(System))
    }

    pub(super) fn with_lookup(settings: &config::Outbound, lookup: Arc<dyn Lookup>) -> Result<Self, Error> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Another thread may be first: then one is installed, which is what matters.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        let build = |guarded, away| {
            let resolver = Resolver { lookup: lookup.clone(), guarded, away };
            let client = Client::builder()
                // Environment proxies would see and redirect every call (`faults.md` A52).
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .dns_resolver(Arc::new(resolver))
                .connect_timeout(settings.connect_timeout.get())
                .read_timeout(settings.idle_timeout.get())
                .pool_idle_timeout(IDLE_CONNECTION)
                .pool_max_idle_per_host(4)
                .user_agent(concat!("jethub/", env!("CARGO_PKG_VERSION")));
            client.build().map_err(|error| Error::Unusable(chain(&error)))
        };
        Ok(Self {
            settings: Arc::new(settings.clone()),
            guarded: build(!settings.allow_private, false)?,
            away: build(!settings.allow_private, true)?,
            own_ports: Arc::default(),
            trusted: build(false, false)?,
        })
    }

    /// The ports that the hub itself listens on: no tenant's call goes to this machine there,
    /// whatever the settings permit. Said once, when they are known; it holds for all clones.
    pub fn own_ports(&self, ports: Vec<u16>) {
        let _ = self.own_ports.set(ports);
    }

    fn is_own_port(&self, url: &Url) -> bool {
        let ports = self.own_ports.get();
        ports.is_some_and(|ports| url.port_or_known_default().is_some_and(|port| ports.contains(&port)))
    }

    /// A client for an address of the operator's own settings that answers piece by piece: no redirects, no
    /// proxy of the environment, no bound but `gap`, the longest silence. Who reads bounds the rest.
    pub fn streaming(&self, gap: Duration) -> Result<Client, Error> {
        let resolver = Resolver { lookup: Arc::new(System), guarded: false, away: false };
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .dns_resolver(Arc::new(resolver))
            .connect_timeout(self.settings.connect_timeout.get())
            .read_timeout(gap)
            .pool_idle_timeout(IDLE_CONNECTION)
            .user_agent(concat!("jethub/", env!("CARGO_PKG_VERSION")));
        client.build().map_err(|error| Error::Unusable(chain(&error)))
    }

    /// Carries out one call, redirects included. Dropping the future ends it. A status is no error:
    /// the answer has it.
    pub async fn send(&self, request: Request) -> Result<Answer, Error> {
        self.send_noting(request, &AtomicBool::new(false)).await
    }

    /// The same; `sent` holds at each moment whether any of the call may have reached a server, also when
    /// the future is dropped.
    pub async fn send_noting(&self, request: Request, sent: &AtomicBool) -> Result<Answer, Error> {
        let total = request.timeout.unwrap_or(self.settings.total_timeout.get());
        let call = Box::pin(self.follow(request, sent));
        tokio::time::timeout(total, call).await.unwrap_or(Err(Error::Timeout(Phase::Total)))
    }

    async fn follow(&self, request: Request, sent: &AtomicBool) -> Result<Answer, Error> {
        let limit = request.max_body.unwrap_or(self.settings.max_body.get());
        let mut hop = Hop::first(&request, &self.settings)?;
        let mut followed = 0;
        loop {
            let response = self.once(&hop, sent).await?;
            let status = response.status().as_u16();
            let location = response.headers().get("location").filter(|_| is_redirect(status));
            let Some(location) = location.filter(|_| request.redirects != Redirects::None) else {
                return answer(response, limit).await;
            };
            if followed == self.settings.redirects {
                return Err(Error::Redirect("too often"));
            }
            followed += 1;
            let location =
                location.to_str().map_err(|_| Error::Redirect("to an address that is not valid"))?;
            hop = hop.next(status, location, request.redirects, &self.settings)?;
        }
    }

    async fn once(&self, hop: &Hop, sent: &AtomicBool) -> Result<Response, Error> {
        let client = match hop.trust {
            Trust::Guarded if self.is_own_port(&hop.url) => {
                let address = match hop.url.host() {
                    Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
                    Some(Host::Ipv6(address)) => Some(address.to_canonical()),
                    _ => None,
                };
                if address.is_some_and(is_here) {
                    let host = hop.url.host_str().unwrap_or_default().to_owned();
                    return Err(Error::BlockedAddress { host });
                }
                &self.away
            }
            Trust::Guarded => &self.guarded,
            Trust::Operator => &self.trusted,
        };
        let mut request = client.request(hop.method.clone(), hop.url.clone()).headers(hop.headers.clone());
        if let Some(body) = &hop.body {
            request = request.body(body.clone());
        }
        // A redirect was answered, so something was sent before.
        let before = sent.swap(true, SeqCst);
        request.send().await.map_err(|error| {
            if error.is_connect() || error.is_builder() {
                sent.store(before, SeqCst);
            }
            failure(&error, hop.url.host_str().unwrap_or_default())
        })
    }
}

fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

async fn answer(mut response: Response, limit: usize) -> Result<Answer, Error> {
    let url = response.url().to_string();
    let status = response.status().as_u16();
    let text = |value: &reqwest::header::HeaderValue| value.to_str().ok().map(str::to_owned);
    let headers = response.headers().iter();
    let headers =
        headers.filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))).collect();
    let body = read(&mut response, limit).await?;
    Ok(Answer { status, headers, body, url })
}

/// The body, decompressed, as it comes: what is too large is left in the middle.
async fn read(response: &mut Response, limit: usize) -> Result<Bytes, Error> {
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(Error::TooLarge { limit });
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error, ""))? {
        if body.len() + chunk.len() > limit {
            return Err(Error::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn failure(error: &reqwest::Error, host: &str) -> Error {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.is::<Blocked>() {
            return Error::BlockedAddress { host: host.to_owned() };
        }
        source = cause.source();
    }
    let words = if error.is_timeout() {
        return Error::Timeout(if error.is_connect() { Phase::Connect } else { Phase::Idle });
    } else if error.is_connect() {
        "it takes no connection"
    } else if error.is_decode() {
        "the answer cannot be decoded"
    } else {
        "the connection broke off"
    };
    log::debug!(host = host; "outgoing call: {}", chain(error));
    Error::Unreachable(words.to_owned())
}

/// An error with its causes, for the log; the address (which may hold a secret) is not in it.
fn chain(error: &reqwest::Error) -> String {
    let mut words = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        words.push(cause.to_string());
        source = cause.source();
    }
    if words.is_empty() { "no cause given".to_owned() } else { words.join(": ") }
}
