//! What a source's options and credentials say, read for the drivers.

use std::{collections::BTreeMap, fmt};

use serde_json::{Map, Value};

use super::{Error, Problem, Reason};
use crate::config::Secret;

/// Credentials of a source in the clear; they live as long as one call.
#[derive(Clone, Default)]
pub(super) struct Secrets(BTreeMap<String, Secret>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Secrets {
    /// Texts by their name; an object's are `name.key`.
    pub fn of(value: &Value) -> Self {
        let mut out = BTreeMap::new();
        for (name, value) in value.as_object().into_iter().flatten() {
            match value {
                Value::String(text) => drop(out.insert(name.clone(), Secret::new(text.clone()))),
                Value::Object(inner) => {
                    let texts = inner.iter().filter_map(|(key, text)| Some((key, text.as_str()?)));
                    out.extend(
                        texts.map(|(key, text)| (format!("{name}.{key}"), Secret::new(text.to_owned()))),
                    );
                }
                _ => {}
            }
        }
        Self(out)
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.0.get(name)
    }

    /// Those of an object.
    pub fn below<'s>(&'s self, name: &'s str) -> impl Iterator<Item = (&'s str, &'s Secret)> {
        self.0
            .iter()
            .filter_map(move |(key, secret)| Some((key.strip_prefix(name)?.strip_prefix('.')?, secret)))
    }

    /// The same names, each with `mask` in its place.
    pub fn masked(&self, mask: &str) -> Self {
        Self(self.0.keys().map(|name| (name.clone(), Secret::new(mask.to_owned()))).collect())
    }

    /// Takes them, and other words, out of a text that may reach the tenant. Also its control
    /// characters, and what is beyond 500 characters.
    pub fn clean(&self, text: &str, also: &[&str]) -> String {
        let mut text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let secrets = self.0.values().map(Secret::expose);
        for word in secrets.chain(also.iter().copied()).filter(|word| word.len() >= 3) {
            text = text.replace(word, "***");
        }
        match text.char_indices().nth(500) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text,
        }
    }
}

/// Whether the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tls {
    /// It is not.
    Disable,
    /// It is, and the server's certificate is checked.
    Require,
}

/// A database server.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub host: String,
    pub port: u16,
    pub database: String,
    pub user: String,
    pub password: Option<Secret>,
    /// `None`: encrypted, unless the server is on this machine.
    pub tls: Option<Tls>,
    /// Certificates that may sign the server's, beside those of the system (PEM).
    pub ca: Option<String>,
}

impl Server {
    pub fn new(options: &Value, secrets: &Secrets, default_port: u16) -> Result<Self, Error> {
        if let Some(problem) = problems(options).into_iter().next() {
            let message = format!("the data source is not valid: {}: {}", problem.path, problem.message);
            return Err(Error::failed(Reason::Settings, message));
        }
        let text = |key: &str| options.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let tls = match options.get("tls").and_then(Value::as_str) {
            Some("disable") => Some(Tls::Disable),
            Some("require") => Some(Tls::Require),
            _ => None,
        };
        Ok(Self {
            host: text("host"),
            port: options.get("port").and_then(port).unwrap_or(default_port),
            database: text("database"),
            user: text("user"),
            password: secrets.get("password").cloned(),
            tls,
            ca: options.get("ca").and_then(Value::as_str).map(str::to_owned),
        })
    }
}

fn port(value: &Value) -> Option<u16> {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    u16::try_from(number).ok().filter(|port| *port > 0)
}

/// What is wrong with the options of a database server.
pub(super) fn problems(options: &Value) -> Vec<Problem> {
    let nothing = Map::new();
    let options = options.as_object().unwrap_or(&nothing);
    let mut out = Vec::new();
    for (key, hint) in [
        ("host", "\"db.example.com\""),
        ("database", "\"sales\""),
        ("user", "\"reports\", a role that only reads"),
    ] {
        let text = options.get(key).and_then(Value::as_str).unwrap_or_default();
        if text.is_empty() || text.len() > 255 || text.chars().any(char::is_control) {
            out.push(problem(key, "missing", "must be a text", format!("for example {hint}")));
        }
    }
    let host = options.get("host").and_then(Value::as_str).unwrap_or_default();
    if host.contains(['/', '@', ' ', ',']) {
        let hint =
            "a name or an address, without scheme, port or user; sockets of this machine are not called";
        out.push(problem("host", "host", "is not the name of one host", hint));
    }
    if options.get("port").is_some_and(|value| !value.is_null() && port(value).is_none()) {
        out.push(problem("port", "port", "must be a port", "1 to 65535"));
    }
    if options.get("tls").is_some_and(|value| !matches!(value.as_str(), Some("disable" | "require")))
        && !options.get("tls").is_some_and(Value::is_null)
    {
        let hint = "\"require\" (encrypted, the certificate is checked) or \"disable\"; without it: require, unless the database is on the hub's machine";
        out.push(problem("tls", "tls", "is none of its words", hint));
    }
    if options.get("ca").is_some_and(|value| !value.is_null() && !value.is_string()) {
        out.push(problem("ca", "type", "must be a text", "certificates in PEM"));
    }
    for key in ["url", "connectionString"] {
        if options.contains_key(key) {
            let message = format!("{key} is no plain setting");
            out.push(problem(
                key,
                "secret",
                message,
                "name host, database and user; the password is a field of its own",
            ));
        }
    }
    out
}

/// A fault.
pub(super) fn problem(
    path: impl Into<String>,
    code: &'static str,
    message: impl Into<String>,
    hint: impl Into<String>,
) -> Problem {
    Problem { path: path.into(), code, message: message.into(), hint: hint.into() }
}
