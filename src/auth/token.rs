//! Verifies a JWT: which key, which algorithm, is it signed, do its claims hold.
//!
//! A key is found by configuration (own secret) or by the token's issuer and `kid` in that issuer's
//! set; its algorithm belongs to the key, and the header only has to agree (`faults.md` A1 to A7).

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, crypto};
use serde::Serialize;
use serde_json::Value;

use crate::{
    auth::{
        Error, FetchJwks,
        claims::{self, Claims, Rules, refuse},
        jwks::{self, KeySource, Timing},
    },
    clock::Clock,
    config::{
        Secret,
        sections::{Auth as Settings, Issuer, IssuerKind, Provision},
    },
};

/// Where Firebase publishes the keys of its tokens, as a JSON Web Key Set.
const FIREBASE_KEYS: &str =
    "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com";

/// Why the verifier could not be built; for the operator.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A file of keys is not readable.
    #[error("auth.issuers: {path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A set of keys is not usable.
    #[error("auth.issuers: {place}: {words}")]
    Keys {
        /// File or issuer.
        place: String,
        /// What is wrong.
        words: &'static str,
    },
    /// Nothing to verify a token with.
    #[error("no way to verify a token: set auth.hs256_secret or auth.issuers")]
    Nothing,
}

/// Verifies tokens of the own secret and of the configured issuers.
pub(super) struct Verifier {
    own: Option<DecodingKey>,
    issuers: Vec<KnownIssuer>,
    max_token: usize,
    leeway: Duration,
    clock: Clock,
}

struct KnownIssuer {
    rules: Rules,
    keys: KeySource,
    needs_kid: bool,
    provision: Option<Provision>,
}

/// A token that holds, and which claims of it may provision rows.
pub(super) struct Verified {
    pub claims: Claims,
    pub provision: Option<Provision>,
}

impl Verifier {
    pub fn new(settings: &Settings, fetcher: &Arc<dyn FetchJwks>, clock: &Clock) -> Result<Self, SetupError> {
        let own =
            settings.hs256_secret.as_ref().map(|secret| DecodingKey::from_secret(secret.expose().as_bytes()));
        let issuers = settings
            .issuers
            .iter()
            .map(|issuer| known(issuer, settings, fetcher, clock))
            .collect::<Result<Vec<_>, _>>()?;
        if own.is_none() && issuers.is_empty() {
            return Err(SetupError::Nothing);
        }
        Ok(Self {
            own,
            issuers,
            max_token: settings.max_token.get(),
            leeway: settings.leeway.get(),
            clock: clock.clone(),
        })
    }

    /// Fetches the key sets that are behind addresses.
    pub async fn warm(&self) {
        futures_util::future::join_all(self.issuers.iter().map(|issuer| issuer.keys.warm())).await;
    }

    pub async fn verify(&self, token: &str) -> Result<Verified, Error> {
        if token.len() > self.max_token {
            return Err(refuse("too_long"));
        }
        let parts = claims::split(token)?;
        let now = || self.clock.now();
        match parts.alg.as_str() {
            "HS256" => {
                let key = self.own.as_ref().ok_or_else(|| refuse("algorithm"))?;
                signed(&parts, key, Algorithm::HS256)?;
                let claims = claims::check(parts.claims, &Rules::default(), self.leeway, now())?;
                Ok(Verified { claims, provision: Some(own_provision()) })
            }
            "RS256" | "ES256" => {
                // The claim is not yet believed: it only picks whose keys are tried.
                let iss = parts.claims.get("iss").and_then(Value::as_str).ok_or_else(|| refuse("issuer"))?;
                let issuer = self
                    .issuers
                    .iter()
                    .find(|issuer| issuer.rules.issuer.as_deref() == Some(iss))
                    .ok_or_else(|| refuse("issuer"))?;
                if issuer.needs_kid && parts.kid.is_none() {
                    return Err(refuse("kid_missing"));
                }
                let key = issuer.keys.key(parts.kid.as_deref()).await?;
                signed(&parts, &key.key, key.algorithm)?;
                let claims = claims::check(parts.claims, &issuer.rules, self.leeway, now())?;
                Ok(Verified { claims, provision: issuer.provision.clone() })
            }
            _ => Err(refuse("algorithm")),
        }
    }
}

fn own_provision() -> Provision {
    Provision { tenants: "tenants".to_owned(), platform_admin: "platformAdmin".to_owned() }
}

fn signed(parts: &claims::Parts<'_>, key: &DecodingKey, algorithm: Algorithm) -> Result<(), Error> {
    let named = match algorithm {
        Algorithm::HS256 => "HS256",
        Algorithm::RS256 => "RS256",
        Algorithm::ES256 => "ES256",
        _ => return Err(refuse("algorithm")),
    };
    if parts.alg != named {
        return Err(refuse("algorithm"));
    }
    match crypto::verify(parts.signature, parts.signed.as_bytes(), key, algorithm) {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(refuse("signature")),
    }
}

fn known(
    issuer: &Issuer,
    settings: &Settings,
    fetcher: &Arc<dyn FetchJwks>,
    clock: &Clock,
) -> Result<KnownIssuer, SetupError> {
    let timing = Timing {
        cache: settings.jwks_cache.get(),
        gap: settings.jwks_refetch_gap.get(),
        stale: settings.jwks_stale.get(),
        timeout: settings.jwks_timeout.get(),
        max_bytes: settings.jwks_max_bytes.get(),
    };
    let remote = |url: String| KeySource::remote(url, fetcher.clone(), timing, clock.clone());
    let missing = |words| SetupError::Keys { place: issuer.issuer.clone(), words };
    let mut rules = Rules {
        issuer: Some(issuer.issuer.clone()),
        audience: Some(issuer.audience.clone()),
        firebase: false,
    };
    let keys = match issuer.kind {
        IssuerKind::JwksFile => {
            let path = issuer.file.as_ref().ok_or_else(|| missing("kind jwks_file needs `file`"))?;
            let place = || path.display().to_string();
            let bytes = std::fs::read(path).map_err(|source| SetupError::File { path: place(), source })?;
            let keys = jwks::parse_set(&bytes).map_err(|words| SetupError::Keys { place: place(), words })?;
            KeySource::fixed(keys, clock.clone())
        }
        IssuerKind::JwksUrl => {
            remote(issuer.url.clone().ok_or_else(|| missing("kind jwks_url needs `url`"))?)
        }
        IssuerKind::Firebase => {
            let project = issuer.project.clone().ok_or_else(|| missing("kind firebase needs `project`"))?;
            let iss = format!("https://securetoken.google.com/{project}");
            rules = Rules { issuer: Some(iss), audience: Some(vec![project]), firebase: true };
            remote(issuer.url.clone().unwrap_or_else(|| FIREBASE_KEYS.to_owned()))
        }
    };
    let needs_kid = rules.firebase;
    Ok(KnownIssuer { rules, keys, needs_kid, provision: issuer.provision.clone() })
}

/// Claims of a token that the hub signs itself (`jethub token`, demo, tests).
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewToken {
    /// The subject.
    pub sub: String,
    /// Email, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Memberships to provision: tenant to role.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub tenants: std::collections::BTreeMap<String, String>,
    /// Whether to make the user a platform admin.
    #[serde(rename = "platformAdmin", skip_serializing_if = "std::ops::Not::not")]
    pub platform_admin: bool,
}

#[derive(Serialize)]
struct Signed<'t> {
    #[serde(flatten)]
    token: &'t NewToken,
    iat: i64,
    exp: i64,
}

/// Signs a token with the hub's own secret (HS256), valid from `now` for `ttl`.
pub fn sign(secret: &Secret, token: &NewToken, now: Timestamp, ttl: Duration) -> Result<String, Error> {
    let iat = now.as_second();
    let exp = iat.saturating_add(i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX));
    let key = EncodingKey::from_secret(secret.expose().as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &Signed { token, iat, exp }, &key)
        .map_err(|_| Error::Internal)
}
