//! What a client presents, and who it proved to be. Pure.
//!
//! The forms and their order are those of `contract.md` 1.2; the first one found is used, a later
//! one never rescues it.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    config::Secret,
    ids::{ApiKeyId, TenantId, UserId},
};

/// The credential of one handshake or request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A JWT, without its prefix.
    Token(Secret),
    /// An API key, without its prefix.
    ApiKey(Secret),
}

/// Where a credential was found, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `auth.token` of the CONNECT payload.
    AuthToken,
    /// `auth.apiKey` or `auth.api_key`.
    AuthApiKey,
    /// The header `Authorization`.
    Authorization,
    /// The header `X-API-Key`.
    XApiKey,
    /// The query: accepted last, never logged.
    Query,
}

/// What a client presented: at most one credential, and the `firebase_id` it claims (never an
/// identity: only compared, so that a difference can be logged).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The first credential found.
    pub credential: Option<(Source, Credential)>,
    /// `auth.firebase_id`, ignored except for a log line when it differs from the subject.
    pub claimed_subject: Option<String>,
}

impl Credentials {
    /// A JWT as such, for tests and tools.
    pub fn token(token: &str) -> Self {
        Self {
            credential: Some((Source::AuthToken, Credential::Token(secret(token)))),
            claimed_subject: None,
        }
    }

    /// Finds the credential of a Socket.IO handshake. `auth` is the CONNECT payload, `header` looks a
    /// header of the Engine.IO request up (name in lower case), `query` is its raw query string.
    pub fn from_handshake<'h>(
        auth: Option<&Value>,
        header: impl Fn(&str) -> Option<&'h str>,
        query: &str,
    ) -> Self {
        let auth = auth.and_then(Value::as_object);
        let claimed_subject =
            auth.and_then(|auth| auth.get("firebase_id")).and_then(Value::as_str).map(str::to_owned);
        let credential =
            auth.and_then(from_auth).or_else(|| from_headers(header)).or_else(|| from_query(query));
        Self { credential, claimed_subject }
    }

    /// The credential of an HTTP request: headers, then query.
    pub fn from_request<'h>(header: impl Fn(&str) -> Option<&'h str>, query: &str) -> Self {
        Self::from_handshake(None, header, query)
    }
}

fn from_auth(auth: &Map<String, Value>) -> Option<(Source, Credential)> {
    if let Some(token) = text(auth.get("token")) {
        return Some((Source::AuthToken, prefixed(token)));
    }
    let key = text(auth.get("apiKey")).or_else(|| text(auth.get("api_key")))?;
    Some((Source::AuthApiKey, Credential::ApiKey(secret(key))))
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn text(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A leading `Bearer ` or `api_key ` is tolerated and selects the kind; without one it is a JWT.
fn prefixed(text: &str) -> Credential {
    if let Some(token) = text.strip_prefix("Bearer ") {
        Credential::Token(secret(token))
    } else if let Some(key) = text.strip_prefix("api_key ") {
        Credential::ApiKey(secret(key))
    } else {
        Credential::Token(secret(text))
    }
}

fn from_headers<'h>(header: impl Fn(&str) -> Option<&'h str>) -> Option<(Source, Credential)> {
    if let Some(value) = header("authorization").filter(|value| !value.is_empty()) {
        // Another scheme (`Basic …`) is a credential too, and a wrong one: it is not skipped.
        let credential = match (value.strip_prefix("Bearer "), value.strip_prefix("api_key ")) {
            (Some(token), _) => Credential::Token(secret(token)),
            (None, Some(key)) => Credential::ApiKey(secret(key)),
            (None, None) => Credential::Token(secret("")),
        };
        return Some((Source::Authorization, credential));
    }
    let key = header("x-api-key").filter(|value| !value.is_empty())?;
    Some((Source::XApiKey, Credential::ApiKey(secret(key))))
}

fn from_query(query: &str) -> Option<(Source, Credential)> {
    let value = |name: &str| {
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.into_owned())
    };
    if let Some(token) = value("token") {
        return Some((Source::Query, prefixed(&token)));
    }
    value("api_key").map(|key| (Source::Query, Credential::ApiKey(Secret::new(key))))
}

/// A query string with the values of `token` and `api_key` masked: the only form that may reach a
/// log line (`faults.md` A11).
pub fn redacted_query(query: &str) -> String {
    let hidden = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default();
        // Decoded, so that `%74oken=` is found as well.
        url::form_urlencoded::parse(name.as_bytes())
            .any(|(name, _)| matches!(&*name, "token" | "api_key" | "sid"))
    };
    query.split('&').map(|pair| if hidden(pair) { "****" } else { pair }).collect::<Vec<_>>().join("&")
}

/// How an identity was proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// By a JWT that ends at that time.
    Token {
        /// The claim `exp`.
        expires_at: Timestamp,
    },
    /// By an API key: acts in the key's tenant only, with the rights of its creator, narrowed to the
    /// key's own role when it has one.
    ApiKey {
        /// The key's row.
        id: ApiKeyId,
        /// The one tenant.
        tenant: TenantId,
        /// Role of the key, when it has one.
        role: Option<String>,
    },
}

/// Who a client proved to be. It never changes during a session; whether its user is disabled meanwhile
/// is asked by `authorize`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `sub` (else `user_id`, else `uid`) of the token, or the id of the API key: `firebaseID` on the wire.
    pub subject: String,
    /// The user's row: of the subject, or the creator of the API key. `None`: connects, but may nothing.
    pub user: Option<UserId>,
    /// Claim `email`, else the row's.
    pub email: Option<String>,
    /// Operator of the whole hub (`/admin/v1`). Never by an API key.
    pub platform_admin: bool,
    /// What proved it.
    pub proof: Proof,
}

impl Identity {
    /// The API key's row id, when one was used.
    pub fn api_key(&self) -> Option<&ApiKeyId> {
        match &self.proof {
            Proof::ApiKey { id, .. } => Some(id),
            Proof::Token { .. } => None,
        }
    }

    /// The one tenant an API key may act in; `None` for a token.
    pub fn api_key_tenant(&self) -> Option<&TenantId> {
        match &self.proof {
            Proof::ApiKey { tenant, .. } => Some(tenant),
            Proof::Token { .. } => None,
        }
    }

    /// When the token ends; `None` for an API key.
    pub fn expires_at(&self) -> Option<Timestamp> {
        match &self.proof {
            Proof::Token { expires_at } => Some(*expires_at),
            Proof::ApiKey { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn find(auth: Value, headers: &[(&str, &'static str)], query: &str) -> Option<(Source, String, bool)> {
        let headers: std::collections::HashMap<&str, &'static str> = headers.iter().copied().collect();
        let found = Credentials::from_handshake(Some(&auth), |name| headers.get(name).copied(), query);
        found.credential.map(|(source, credential)| match credential {
            Credential::Token(token) => (source, token.expose().to_owned(), false),
            Credential::ApiKey(key) => (source, key.expose().to_owned(), true),
        })
    }

    #[test]
    fn the_first_form_found_wins() {
        let all = [("authorization", "Bearer h"), ("x-api-key", "x")];
        let query = "EIO=4&token=q&api_key=k";
        let cases = [
            (json!({"token":"t","apiKey":"a"}), &all[..], query, (Source::AuthToken, "t", false)),
            (json!({"token":"Bearer t"}), &all[..], query, (Source::AuthToken, "t", false)),
            (json!({"token":"api_key t"}), &all[..], query, (Source::AuthToken, "t", true)),
            (json!({"token":"","apiKey":"a"}), &all[..], query, (Source::AuthApiKey, "a", true)),
            (json!({"token":7,"api_key":"a"}), &all[..], query, (Source::AuthApiKey, "a", true)),
            (json!({}), &all[..], query, (Source::Authorization, "h", false)),
            (json!(null), &[("authorization", "api_key k")], query, (Source::Authorization, "k", true)),
            (json!({}), &[("authorization", "Basic eA==")], query, (Source::Authorization, "", false)),
            (json!({}), &[("authorization", "API_KEY k")], query, (Source::Authorization, "", false)),
            (json!([]), &all[1..], query, (Source::XApiKey, "x", true)),
            (json!({}), &[], query, (Source::Query, "q", false)),
            (json!({}), &[], "token=api_key+q", (Source::Query, "q", true)),
            (json!({}), &[], "api_key=k", (Source::Query, "k", true)),
        ];
        for (auth, headers, query, (source, text, key)) in cases {
            assert_eq!(find(auth.clone(), headers, query), Some((source, text.to_owned(), key)), "{auth}");
        }
        assert_eq!(find(json!({"firebase_id":"someone"}), &[], "EIO=4"), None);
    }

    #[test]
    fn a_claimed_subject_is_no_credential() {
        let found = Credentials::from_handshake(Some(&json!({"firebase_id":"boss"})), |_| None, "");
        assert_eq!(found, Credentials { credential: None, claimed_subject: Some("boss".into()) });
    }

    #[test]
    fn secrets_never_print() {
        let found = Credentials::from_handshake(Some(&json!({"token":"hunter2"})), |_| None, "");
        assert!(!format!("{found:?}").contains("hunter2"));
        assert_eq!(redacted_query("EIO=4&token=abc&x=1&%74oken=abc&api_key=k"), "EIO=4&****&x=1&****&****");
    }
}
