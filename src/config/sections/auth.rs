//! `[auth]`, `[[auth.issuers]]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{DurationSetting, Secret, Size};

/// Who may connect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// The hub's own secret: tokens signed with it (HS256) are trusted, their claims `tenants` and
    /// `platformAdmin` included. At least 32 bytes; make one with `openssl rand -hex 32`. Better
    /// given as a credential of systemd (file auth.hs256_secret) or in the environment.
    pub hs256_secret: Option<Secret>,
    /// By how much clocks may differ when a token's times are checked.
    #[schemars(extend("x-max" = "10m"))]
    pub leeway: DurationSetting,
    /// Longest token.
    #[schemars(extend("x-min" = "1KiB", "x-max" = "64KiB"))]
    pub max_token: Size,
    /// How long fetched keys are used before they are fetched again, in the background.
    #[schemars(extend("x-min" = "1s", "x-max" = "7d"))]
    pub jwks_cache: DurationSetting,
    /// Shortest time between two fetches from one issuer, also when tokens name unknown keys.
    #[schemars(extend("x-min" = "100ms", "x-max" = "1h"))]
    pub jwks_refetch_gap: DurationSetting,
    /// Largest set of keys.
    #[schemars(extend("x-min" = "1KiB", "x-max" = "16MiB"))]
    pub jwks_max_bytes: Size,
    /// Longest time of a fetch.
    #[schemars(extend("x-min" = "100ms", "x-max" = "5m"))]
    pub jwks_timeout: DurationSetting,
    /// How long keys are used while their issuer cannot be reached.
    #[schemars(extend("x-min" = "1s", "x-max" = "30d"))]
    pub jwks_stale: DurationSetting,
    /// Others whose tokens are accepted.
    pub issuers: Vec<Issuer>,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            hs256_secret: None,
            leeway: DurationSetting::from_secs(60),
            max_token: Size::kib(8),
            jwks_cache: DurationSetting::from_secs(600),
            jwks_refetch_gap: DurationSetting::from_secs(30),
            jwks_max_bytes: Size::kib(256),
            jwks_timeout: DurationSetting::from_secs(5),
            jwks_stale: DurationSetting::from_secs(86_400),
            issuers: Vec::new(),
        }
    }
}

/// One issuer whose tokens (RS256, ES256) are accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// The claim `iss`, exactly. For kind firebase it follows from the project and may be left out.
    #[serde(default)]
    #[schemars(extend("x-example" = "https://id.example.com/"))]
    pub issuer: String,
    /// The claim `aud` must name one of these; empty admits none (firebase: the project).
    #[serde(default)]
    #[schemars(extend("x-example" = "jethub"))]
    pub audience: Vec<String>,
    /// Where its keys come from.
    #[schemars(extend("x-example" = "jwks_url"))]
    pub kind: IssuerKind,
    /// Kind jwks_file: a file with a JSON Web Key Set.
    #[serde(default)]
    #[schemars(extend("x-example" = "/etc/jethub/jwks.json"))]
    pub file: Option<PathBuf>,
    /// Kind jwks_url: the address of a JSON Web Key Set.
    #[serde(default)]
    #[schemars(extend("x-example" = "https://id.example.com/.well-known/jwks.json"))]
    pub url: Option<String>,
    /// Kind firebase: the id of the project.
    #[serde(default)]
    #[schemars(extend("x-example" = "my-project"))]
    pub project: Option<String>,
    /// Claims of this issuer that create or update users and memberships; without it none does.
    #[serde(default)]
    pub provision: Option<Provision>,
}

/// Where an issuer's keys come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IssuerKind {
    /// From a file, read at start.
    JwksFile,
    /// From an address, fetched in the background.
    JwksUrl,
    /// Firebase Authentication: its keys and its rules.
    Firebase,
}

/// Names of claims by which tokens of an issuer provision rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Provision {
    /// The claim that maps tenants to roles: `{ "<tenantID>": "<ROLE>" }`; empty: memberships are not touched.
    #[schemars(extend("x-example" = "tenants"))]
    pub tenants: String,
    /// The claim that makes a platform admin when it is `true`; empty: none does.
    #[schemars(extend("x-example" = "platformAdmin"))]
    pub platform_admin: String,
}

impl Default for Provision {
    fn default() -> Self {
        Self { tenants: "tenants".to_owned(), platform_admin: String::new() }
    }
}
