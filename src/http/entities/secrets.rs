//! Credentials among the settings of a data source: taken out before anything is stored, sealed, and
//! shown as `{ "set": true }` only.

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::{
    datasource::{Vault, secret_keys},
    http::Failure,
    ids::{DataSourceId, TenantId},
};

/// Longest credential in bytes.
const MOST: usize = 16 << 10;
/// Most secret headers.
const HEADERS: usize = 32;

/// The fields of settings that say where a credential is sent. A stored one is not sent elsewhere by
/// somebody who may change the source but does not know it.
const ADDRESS: &[&str] = &[
    "host", "hosts", "port", "url", "baseUrl", "baseURL", "path", "file", "socket", "tls", "ssl", "sslMode",
    "tlsMode", "ca", "proxy",
];

/// What a body says of a source's credentials: `Some` sets one, `None` removes it.
#[derive(Default)]
pub(super) struct Given(Map<String, Value>);

impl Given {
    /// Takes the credentials out of settings. What is wrong is told by its path.
    pub(super) fn take(
        kind: &str,
        options: &mut Map<String, Value>,
        wrong: &mut Vec<(String, String)>,
    ) -> Self {
        let mut given = Map::new();
        for key in secret_keys(kind) {
            let Some(value) = options.remove(*key) else { continue };
            if is_mark(&value) {
                continue;
            }
            match fault(&value) {
                Some(fault) => wrong.push((format!("datasourceOptions.{key}"), fault.to_owned())),
                None => {
                    given.insert((*key).to_owned(), value);
                }
            }
        }
        Self(given)
    }

    /// Whether the body says nothing of credentials.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the clear, for a test of settings that are not saved.
    pub(super) fn plain(&self) -> Value {
        Value::Object(self.0.iter().filter(|(_, value)| !value.is_null()).map(clone).collect())
    }

    /// The stored credentials with these changes, sealed; none when none are left.
    pub(super) fn sealed(
        &self,
        vault: &Vault,
        tenant: &TenantId,
        id: &DataSourceId,
        stored: Option<&str>,
    ) -> Result<Option<String>, Failure> {
        let mut all = match stored {
            // What cannot be read any more is replaced by what is given.
            Some(sealed) => open(vault, tenant, id, sealed).unwrap_or_default(),
            None => Map::new(),
        };
        for (key, value) in &self.0 {
            match value {
                Value::Null => all.remove(key),
                value => all.insert(key.clone(), value.clone()),
            };
        }
        if all.is_empty() {
            return Ok(None);
        }
        let plain = Zeroizing::new(Value::Object(all).to_string());
        let sealed = vault.seal(tenant, id.as_str(), &plain);
        sealed.map(Some).map_err(|error| {
            log::error!("a credential cannot be sealed: {error}");
            Failure::of(crate::error::Code::ServerError)
        })
    }

    /// The credentials that stay as they are although the settings now lead elsewhere.
    pub(super) fn would_leak(
        &self,
        vault: &Vault,
        (tenant, id): (&TenantId, &DataSourceId),
        stored: Option<&str>,
        (old, new): (&Value, &Value),
    ) -> Vec<String> {
        let Some(sealed) = stored else { return Vec::new() };
        if ADDRESS.iter().all(|name| old.get(*name) == new.get(*name)) {
            return Vec::new();
        }
        let kept = open(vault, tenant, id, sealed).unwrap_or_default();
        kept.into_iter().map(|(key, _)| key).filter(|key| !self.0.contains_key(key)).collect()
    }
}

fn clone((key, value): (&String, &Value)) -> (String, Value) {
    (key.clone(), value.clone())
}

/// What reading shows instead of a credential; a page that sends it back changes nothing.
fn is_mark(value: &Value) -> bool {
    value.as_object().is_some_and(|fields| fields.get("set").is_some_and(Value::is_boolean))
}

fn fault(value: &Value) -> Option<&'static str> {
    const RULE: &str = "must be a text of 1 to 16384 bytes without control characters, or null to remove it";
    let bad = |text: &str| text.is_empty() || text.len() > MOST || text.chars().any(char::is_control);
    match value {
        Value::Null => None,
        Value::String(text) => bad(text).then_some(RULE),
        Value::Object(fields) if !fields.is_empty() && fields.len() <= HEADERS => {
            let wrong = fields.iter().any(|(name, value)| {
                bad(name) || value.as_str().is_none_or(|text| !text.is_empty() && bad(text))
            });
            wrong.then_some("must be an object of texts without control characters, or null to remove it")
        }
        _ => Some(RULE),
    }
}

fn open(vault: &Vault, tenant: &TenantId, id: &DataSourceId, sealed: &str) -> Option<Map<String, Value>> {
    let plain = match vault.unseal(tenant, id.as_str(), sealed) {
        Ok(plain) => plain,
        Err(error) => {
            log::warn!(datasource = id.as_str(); "{error}");
            return None;
        }
    };
    serde_json::from_str(plain.expose()).ok()
}

/// Adds to settings what may be shown of the credentials: which there are.
pub(super) fn show(
    vault: &Vault,
    (tenant, id, kind): (&TenantId, &DataSourceId, &str),
    sealed: Option<&str>,
    options: &mut Value,
) {
    let Some(options) = options.as_object_mut() else { return };
    let stored = sealed.map(|sealed| open(vault, tenant, id, sealed));
    for key in secret_keys(kind) {
        let mark = match &stored {
            None => json!({ "set": false }),
            Some(Some(stored)) => json!({ "set": stored.contains_key(*key) }),
            Some(None) => {
                json!({ "set": true, "unreadable": "it was encrypted with a key that this hub does not have" })
            }
        };
        options.insert((*key).to_owned(), mark);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Secret, sections};

    fn vault(digit: &str) -> Vault {
        let key = Some(Secret::new(digit.repeat(64)));
        let settings = sections::DataSource { key, ..Default::default() };
        Vault::open(&settings, std::path::Path::new("/nowhere")).unwrap()
    }

    fn given(mut options: Value) -> (Given, Value, Vec<(String, String)>) {
        let mut wrong = Vec::new();
        let given = Given::take("http", options.as_object_mut().unwrap(), &mut wrong);
        (given, options, wrong)
    }

    #[test]
    fn credentials_leave_the_settings_and_come_back_as_marks() {
        let (vault, tenant, id) = (vault("a"), TenantId::trusted("t"), DataSourceId::trusted("d"));
        let (first, rest, wrong) = given(json!({
            "url": "https://x", "password": "p", "token": "k", "secretHeaders": { "X-Key": "h" }
        }));
        assert_eq!((rest, wrong), (json!({ "url": "https://x" }), Vec::new()));
        let sealed = first.sealed(&vault, &tenant, &id, None).unwrap().unwrap();
        let mut shown = json!({ "url": "https://x" });
        show(&vault, (&tenant, &id, "http"), Some(&sealed), &mut shown);
        assert_eq!(shown["password"], json!({ "set": true }));
        assert_eq!(shown["apiKey"], json!({ "set": false }));

        // What was shown may be sent back; null removes.
        shown["token"] = Value::Null;
        let (second, rest, wrong) = given(shown);
        assert_eq!((rest, wrong), (json!({ "url": "https://x" }), Vec::new()));
        let sealed = second.sealed(&vault, &tenant, &id, Some(&sealed)).unwrap().unwrap();
        let kept = open(&vault, &tenant, &id, &sealed).unwrap();
        assert_eq!(Value::Object(kept), json!({ "password": "p", "secretHeaders": { "X-Key": "h" } }));
        let other = TenantId::trusted("u");
        assert_eq!(open(&vault, &other, &id, &sealed), None, "sealed for its tenant");
    }

    #[test]
    fn a_kept_credential_is_not_sent_elsewhere() {
        let (vault, tenant, id) = (vault("a"), TenantId::trusted("t"), DataSourceId::trusted("d"));
        let sealed = given(json!({ "password": "p" })).0.sealed(&vault, &tenant, &id, None).unwrap();
        let leak = |given: &Given, new: Value| {
            given.would_leak(&vault, (&tenant, &id), sealed.as_deref(), (&json!({ "url": "a" }), &new))
        };
        let none = Given::default();
        assert_eq!(leak(&none, json!({ "url": "a", "user": "other" })), Vec::<String>::new());
        assert_eq!(leak(&none, json!({ "url": "b" })), ["password"]);
        assert_eq!(leak(&given(json!({ "password": "q" })).0, json!({ "url": "b" })), Vec::<String>::new());
    }

    #[test]
    fn a_credential_of_another_key_is_told_and_replaced() {
        let (tenant, id) = (TenantId::trusted("t"), DataSourceId::trusted("d"));
        let sealed = given(json!({ "password": "p" })).0.sealed(&vault("a"), &tenant, &id, None).unwrap();
        let mut shown = json!({});
        show(&vault("b"), (&tenant, &id, "postgresql"), sealed.as_deref(), &mut shown);
        assert!(shown["password"]["unreadable"].is_string(), "{shown}");
        let (fresh, _, wrong) = given(json!({ "password": shown["password"], "token": "k" }));
        assert_eq!(wrong, []);
        let again = fresh.sealed(&vault("b"), &tenant, &id, sealed.as_deref()).unwrap().unwrap();
        let kept = open(&vault("b"), &tenant, &id, &again).unwrap();
        assert_eq!(Value::Object(kept), json!({ "token": "k" }));
    }

    #[test]
    fn a_wrong_credential_is_told_by_its_path() {
        for bad in
            [json!(""), json!("a\nb"), json!(7), json!({}), json!({ "a": 1 }), json!("x".repeat(MOST + 1))]
        {
            let (_, _, wrong) = given(json!({ "secretHeaders": bad }));
            assert_eq!(wrong[0].0, "datasourceOptions.secretHeaders", "{bad}");
            assert!(!wrong[0].1.contains("xxx"));
        }
    }
}
