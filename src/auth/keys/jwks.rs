//! The keys of an issuer: from a file, or from an address, fetched, cached and rotated.
//!
//! A key's algorithm is decided here, by its kind (RSA: RS256, P-256: ES256), never by a token.
//! Symmetric keys in a set are ignored. At most one fetch runs for an issuer, and at most one in
//! `auth.jwks_refetch_gap`, however many tokens name unknown keys (`faults.md` A3, A10).

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use parking_lot::Mutex;
use serde_json::Value;

use crate::{
    auth::{Error, claims::refuse, json},
    clock::Clock,
    metrics::{Reason, metrics},
};

/// Most keys of one issuer; more are ignored.
const MAX_KEYS: usize = 64;
/// Shortest RSA modulus in bytes (2048 bits).
const MIN_MODULUS: usize = 256;

/// The future of a fetch: the body, or words for the log.
pub type Fetched = Pin<Box<dyn Future<Output = Result<Bytes, String>> + Send>>;

/// How a set of keys is fetched. The hub gives its outgoing client; the implementation bounds size
/// and time, and follows no redirect to another host.
pub trait FetchJwks: Send + Sync {
    /// Gets the document at the address.
    fn fetch(&self, url: &str) -> Fetched;
}

/// One public key with the only algorithm it may be used for.
pub(in crate::auth) struct Key {
    pub algorithm: Algorithm,
    pub key: DecodingKey,
}

type Keys = HashMap<String, Arc<Key>>;

/// Reads a set. Keys that are not usable are left out; a set without any is an error.
pub(in crate::auth) fn parse_set(bytes: &[u8]) -> Result<Keys, &'static str> {
    let document = json::parse(bytes, json::Limits { depth: 16, entries: 10_000 })
        .map_err(|_| "it is no JSON document")?;
    let list = document.get("keys").and_then(Value::as_array).ok_or("it has no list `keys`")?;
    let mut keys = Keys::new();
    for value in list.iter().take(MAX_KEYS) {
        let Ok(jwk) = serde_json::from_value::<Jwk>(value.clone()) else { continue };
        if let Some(key) = usable(&jwk) {
            keys.entry(jwk.common.key_id.unwrap_or_default()).or_insert_with(|| Arc::new(key));
        }
    }
    if keys.is_empty() { Err("it has no usable RSA or P-256 key") } else { Ok(keys) }
}

fn usable(jwk: &Jwk) -> Option<Key> {
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let (algorithm, named) = match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) => {
            let modulus = URL_SAFE_NO_PAD.decode(&rsa.n).ok()?;
            let significant = modulus.iter().skip_while(|byte| **byte == 0).count();
            (significant >= MIN_MODULUS).then_some((Algorithm::RS256, KeyAlgorithm::RS256))?
        }
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        _ => return None,
    };
    if jwk.common.key_algorithm.is_some_and(|given| given != named) {
        return None;
    }
    Some(Key { algorithm, key: DecodingKey::from_jwk(jwk).ok()? })
}

/// Timing of fetched sets.
#[derive(Clone, Copy, Debug)]
pub(in crate::auth) struct Timing {
    pub cache: Duration,
    pub gap: Duration,
    pub stale: Duration,
    pub timeout: Duration,
    pub max_bytes: usize,
}

/// The keys of one issuer.
#[derive(Clone)]
pub(in crate::auth) struct KeySource {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<State>,
    remote: Option<Remote>,
    clock: Clock,
    /// Held while a fetch runs.
    gate: tokio::sync::Mutex<()>,
}

struct Remote {
    url: String,
    fetcher: Arc<dyn FetchJwks>,
    timing: Timing,
}

#[derive(Default)]
struct State {
    keys: Keys,
    fetched: Option<Instant>,
    tried: Option<Instant>,
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySource").field("url", &self.inner.remote.as_ref().map(|r| &r.url)).finish()
    }
}

impl KeySource {
    /// Keys that never change (a file read at start).
    pub fn fixed(keys: Keys, clock: Clock) -> Self {
        let state = Mutex::new(State { keys, fetched: None, tried: None });
        Self { inner: Arc::new(Inner { state, remote: None, clock, gate: tokio::sync::Mutex::new(()) }) }
    }

    /// Keys behind an address; none until the first fetch.
    pub fn remote(url: String, fetcher: Arc<dyn FetchJwks>, timing: Timing, clock: Clock) -> Self {
        let remote = Some(Remote { url, fetcher, timing });
        let state = Mutex::new(State::default());
        Self { inner: Arc::new(Inner { state, remote, clock, gate: tokio::sync::Mutex::new(()) }) }
    }

    /// The key that a token names. Fetches when it is unknown and the gap allows it; a set older
    /// than `auth.jwks_cache` is used and renewed in the background.
    pub async fn key(&self, kid: Option<&str>) -> Result<Arc<Key>, Error> {
        match self.look(kid) {
            Look::Fresh(key) => return Ok(key),
            Look::Old(key) => {
                let source = self.clone();
                tokio::spawn(async move { source.refresh(None).await });
                return Ok(key);
            }
            Look::Unknown => self.refresh(Some(kid)).await,
        }
        match self.look(kid) {
            Look::Fresh(key) | Look::Old(key) => Ok(key),
            // Without a usable key the verifier is what failed, not the token.
            Look::Unknown if self.is_empty() => Err(Error::Unavailable),
            Look::Unknown => Err(refuse("unknown_key")),
        }
    }

    /// Fetches the first set, so that the first client does not wait for it.
    pub async fn warm(&self) {
        if self.inner.remote.is_some() {
            self.refresh(None).await;
        }
    }

    fn look(&self, kid: Option<&str>) -> Look {
        let inner = &*self.inner;
        let mut state = inner.state.lock();
        let mut old = false;
        if let (Some(remote), Some(fetched)) = (&inner.remote, state.fetched) {
            let age = inner.clock.monotonic().saturating_duration_since(fetched);
            if age > remote.timing.stale {
                state.keys.clear();
            }
            // Renewing is asked for once a gap, not by every token.
            old = age > remote.timing.cache && gap_over(&state, remote, &inner.clock);
        }
        let found = match kid {
            Some(kid) => state.keys.get(kid),
            // Without a kid only a set of one key is unambiguous.
            None if state.keys.len() == 1 => state.keys.values().next(),
            None => None,
        };
        match found {
            Some(key) if old => Look::Old(key.clone()),
            Some(key) => Look::Fresh(key.clone()),
            None => Look::Unknown,
        }
    }

    fn is_empty(&self) -> bool {
        self.inner.state.lock().keys.is_empty()
    }

    /// One fetch, if the gap allows; those who wait meanwhile find its result.
    async fn refresh(&self, wanted: Option<Option<&str>>) {
        let Some(remote) = &self.inner.remote else { return };
        let _gate = self.inner.gate.lock().await;
        if wanted.is_some_and(|kid| !matches!(self.look(kid), Look::Unknown)) {
            return;
        }
        {
            let mut state = self.inner.state.lock();
            if !gap_over(&state, remote, &self.inner.clock) {
                return;
            }
            state.tried = Some(self.inner.clock.monotonic());
        }
        let fetched = tokio::time::timeout(remote.timing.timeout, remote.fetcher.fetch(&remote.url)).await;
        let keys = match fetched {
            Err(_) => Err("it took too long".to_owned()),
            Ok(Err(words)) => Err(words),
            Ok(Ok(body)) if body.len() > remote.timing.max_bytes => Err("it is too large".to_owned()),
            Ok(Ok(body)) => parse_set(&body).map_err(str::to_owned),
        };
        let count = |reason| metrics().auth.jwks.get_or_create(&Reason { reason }).inc();
        match keys {
            Ok(keys) => {
                count("ok");
                let mut state = self.inner.state.lock();
                state.keys = keys;
                state.fetched = Some(self.inner.clock.monotonic());
            }
            Err(words) => {
                count("failed");
                log::warn!(url = remote.url.as_str(); "the key set could not be fetched: {words}; the last one stays");
            }
        }
    }
}

fn gap_over(state: &State, remote: &Remote, clock: &Clock) -> bool {
    state.tried.is_none_or(|tried| clock.monotonic().saturating_duration_since(tried) >= remote.timing.gap)
}

enum Look {
    Fresh(Arc<Key>),
    Old(Arc<Key>),
    Unknown,
}
