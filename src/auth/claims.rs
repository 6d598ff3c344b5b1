//! A JWT taken apart, strictly: what is not exactly right is refused. Pure.
//!
//! The library verifies signatures; header and claims are read here, because leniency in their types
//! (a float as time, the last of two `sub`s) is what forgers look for (`faults.md` A5, A7).

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::auth::{Error, json};

/// Longest subject (`tblUsers.firebaseID`).
const MAX_SUBJECT: usize = 128;

pub(super) fn refuse(reason: &'static str) -> Error {
    Error::Token { reason }
}

/// The three parts of a token, before anything is verified.
pub(super) struct Parts<'t> {
    /// What the signature covers.
    pub signed: &'t str,
    /// The signature as it stands, base64url.
    pub signature: &'t str,
    /// `alg`, as it stands.
    pub alg: String,
    /// `kid`, if any.
    pub kid: Option<String>,
    /// The claims: not to be believed until the signature is verified.
    pub claims: Map<String, Value>,
}

/// Takes a token apart. The caller has bounded its length.
pub(super) fn split(token: &str) -> Result<Parts<'_>, Error> {
    let (signed, signature) = token.rsplit_once('.').ok_or_else(|| refuse("malformed"))?;
    let (header, payload) = signed.split_once('.').ok_or_else(|| refuse("malformed"))?;
    if payload.contains('.') || signature.is_empty() {
        return Err(refuse("malformed"));
    }
    let header = object(header)?;
    // An extension that must be understood, and none is (RFC 7515 4.1.11). jku, x5u, jwk and x5c
    // are not read at all: the keys are the configured ones.
    if header.contains_key("crit") || header.contains_key("b64") {
        return Err(refuse("header"));
    }
    let alg = match header.get("alg") {
        Some(Value::String(alg)) => alg.clone(),
        _ => return Err(refuse("algorithm")),
    };
    let kid = match header.get("kid") {
        None => None,
        Some(Value::String(kid)) => Some(kid.clone()),
        Some(_) => return Err(refuse("header")),
    };
    Ok(Parts { signed, signature, alg, kid, claims: object(payload)? })
}

fn object(part: &str) -> Result<Map<String, Value>, Error> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| refuse("malformed"))?;
    match json::parse(&bytes, json::Limits::TOKEN) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) | Err(_) => Err(refuse("malformed")),
    }
}

/// Claims that an issuer's tokens must carry.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    /// `iss`, exactly; `None`: not looked at (own secret).
    pub issuer: Option<String>,
    /// `aud` must name one of these; `None`: not looked at (own secret).
    pub audience: Option<Vec<String>>,
    /// Firebase: `auth_time` in the past, `sub` itself.
    pub firebase: bool,
}

/// What a verified token says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Claims {
    /// `sub`, else `user_id`, else `uid`.
    pub subject: String,
    /// `email`.
    pub email: Option<String>,
    /// `exp`.
    pub expires_at: Timestamp,
    /// All of them, for provisioning.
    pub all: Map<String, Value>,
}

/// Checks the claims of a token whose signature is good.
pub(super) fn check(
    claims: Map<String, Value>,
    rules: &Rules,
    leeway: Duration,
    now: Timestamp,
) -> Result<Claims, Error> {
    let now_ms = now.as_millisecond();
    let leeway_ms = i64::try_from(leeway.as_millis()).unwrap_or(i64::MAX);
    let exp = time(&claims, "exp")?.ok_or_else(|| refuse("exp_missing"))?;
    if now_ms > exp.as_millisecond().saturating_add(leeway_ms) {
        return Err(refuse("expired"));
    }
    let in_future =
        |at: Option<Timestamp>| at.is_some_and(|at| at.as_millisecond() > now_ms.saturating_add(leeway_ms));
    if in_future(time(&claims, "nbf")?) || in_future(time(&claims, "iat")?) {
        return Err(refuse("not_yet_valid"));
    }
    if rules.firebase {
        let auth_time = time(&claims, "auth_time")?.ok_or_else(|| refuse("auth_time"))?;
        if in_future(Some(auth_time)) {
            return Err(refuse("auth_time"));
        }
    }
    if let Some(issuer) = &rules.issuer
        && claims.get("iss").and_then(Value::as_str) != Some(issuer)
    {
        return Err(refuse("issuer"));
    }
    if let Some(audience) = &rules.audience
        && !names_one_of(claims.get("aud"), audience)
    {
        return Err(refuse("audience"));
    }
    let names: &[&str] = if rules.firebase { &["sub"] } else { &["sub", "user_id", "uid"] };
    let subject = subject(&claims, names)?;
    let email = match claims.get("email") {
        Some(Value::String(email)) if !email.is_empty() && email.len() <= 320 => Some(email.clone()),
        _ => None,
    };
    Ok(Claims { subject, email, expires_at: exp, all: claims })
}

/// A time claim: a JSON integer of seconds, nothing that merely looks like one.
fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, Error> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    value
        .as_u64()
        .filter(|_| value.is_u64())
        .and_then(|seconds| i64::try_from(seconds).ok())
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .map(Some)
        .ok_or_else(|| refuse("time_type"))
}

fn names_one_of(aud: Option<&Value>, ours: &[String]) -> bool {
    let is_ours = |value: &Value| value.as_str().is_some_and(|aud| ours.iter().any(|our| our == aud));
    match aud {
        Some(Value::Array(list)) => list.iter().all(Value::is_string) && list.iter().any(is_ours),
        Some(value) => is_ours(value),
        None => false,
    }
}

fn subject(claims: &Map<String, Value>, names: &[&str]) -> Result<String, Error> {
    for name in names {
        match claims.get(*name) {
            None => {}
            Some(Value::String(subject))
                if !subject.is_empty()
                    && subject.chars().count() <= MAX_SUBJECT
                    && !subject.chars().any(char::is_control) =>
            {
                return Ok(subject.clone());
            }
            Some(_) => return Err(refuse("subject")),
        }
    }
    Err(refuse("subject"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: i64 = 1_800_000_000;

    fn verdict(claims: Value, rules: &Rules) -> Result<Claims, Error> {
        let Value::Object(map) = claims else { panic!("claims are an object") };
        check(map, rules, Duration::from_secs(60), Timestamp::from_second(NOW).unwrap())
    }

    /// A6: the leeway holds exactly.
    #[test]
    fn times_are_checked_with_the_leeway_exactly() {
        let cases = [
            (json!({"exp": NOW - 59}), true),
            (json!({"exp": NOW - 60}), true),
            (json!({"exp": NOW - 61}), false),
            (json!({"exp": NOW + 10, "nbf": NOW + 60}), true),
            (json!({"exp": NOW + 10, "nbf": NOW + 61}), false),
            (json!({"exp": NOW + 10, "iat": NOW + 60}), true),
            (json!({"exp": NOW + 10, "iat": NOW + 61}), false),
        ];
        for (mut claims, good) in cases {
            claims["sub"] = json!("u");
            assert_eq!(verdict(claims.clone(), &Rules::default()).is_ok(), good, "{claims}");
        }
    }

    /// A5: only JSON integers are times.
    #[test]
    fn times_of_other_types_are_refused() {
        let wrong = [
            json!("1800000100"),
            json!(1_800_000_100.0),
            json!(-1),
            json!(null),
            json!([NOW + 9]),
            json!({}),
        ];
        for name in ["exp", "nbf", "iat"] {
            for value in &wrong {
                let mut claims = json!({"exp": NOW + 100, "sub": "u"});
                claims[name] = value.clone();
                assert_eq!(verdict(claims.clone(), &Rules::default()), Err(refuse("time_type")), "{claims}");
            }
        }
        assert_eq!(verdict(json!({"sub": "u"}), &Rules::default()), Err(refuse("exp_missing")));
        assert_eq!(
            verdict(json!({"exp": u64::MAX, "sub": "u"}), &Rules::default()),
            Err(refuse("time_type"))
        );
        let text = format!(r#"{{"exp":1e400,"sub":"u","x":{NOW}}}"#);
        assert!(object(&URL_SAFE_NO_PAD.encode(text)).is_err());
    }

    #[test]
    fn one_of_three_names_the_subject() {
        for (claims, subject) in [
            (json!({"sub": "a", "user_id": "b", "uid": "c"}), Some("a")),
            (json!({"user_id": "b", "uid": "c"}), Some("b")),
            (json!({"uid": "c"}), Some("c")),
            (json!({}), None),
            (json!({"sub": "", "uid": "c"}), None),
            (json!({"sub": 7, "uid": "c"}), None),
            (json!({"sub": "a\u{0}b"}), None),
            (json!({"sub": "x".repeat(129)}), None),
            (json!({"sub": "ж".repeat(129)}), None),
        ] {
            let mut claims = claims;
            claims["exp"] = json!(NOW + 1);
            assert_eq!(verdict(claims, &Rules::default()).ok().map(|c| c.subject).as_deref(), subject);
        }
    }

    /// A7: issuer and audience.
    #[test]
    fn issuer_and_audience_must_be_ours() {
        let rules = Rules {
            issuer: Some("https://id/".into()),
            audience: Some(vec!["hub".into(), "hub2".into()]),
            firebase: false,
        };
        for (iss, aud, good) in [
            (json!("https://id/"), json!("hub"), true),
            (json!("https://id/"), json!(["other", "hub2"]), true),
            (json!("https://id/"), json!(["other"]), false),
            (json!("https://id/"), json!(["hub", 7]), false),
            (json!("https://id/"), json!([]), false),
            (json!("https://id/"), json!(null), false),
            (json!("https://id"), json!("hub"), false),
            (json!(["https://id/"]), json!("hub"), false),
        ] {
            let claims = json!({"exp": NOW + 1, "sub": "u", "iss": iss, "aud": aud});
            assert_eq!(verdict(claims.clone(), &rules).is_ok(), good, "{claims}");
        }
    }

    #[test]
    fn firebase_asks_for_auth_time_and_sub() {
        let rules = Rules { firebase: true, ..Rules::default() };
        for (claims, good) in [
            (json!({"sub": "u", "auth_time": NOW}), true),
            (json!({"sub": "u", "auth_time": NOW + 61}), false),
            (json!({"sub": "u"}), false),
            (json!({"user_id": "u", "auth_time": NOW}), false),
        ] {
            let mut claims = claims;
            claims["exp"] = json!(NOW + 1);
            assert_eq!(verdict(claims.clone(), &rules).is_ok(), good, "{claims}");
        }
    }

    #[test]
    fn two_subjects_in_one_token_are_refused() {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
        let twice = URL_SAFE_NO_PAD.encode(r#"{"sub":"a","sub":"b","exp":1}"#);
        let once = URL_SAFE_NO_PAD.encode(r#"{"sub":"a","exp":1}"#);
        assert!(split(&format!("{header}.{twice}.c2ln")).is_err());
        assert!(split(&format!("{header}.{once}.c2ln")).is_ok());
        assert!(split(&format!("{header}.{once}.")).is_err());
        assert!(split(&format!("{header}.{once}")).is_err());
        assert!(split(&format!("{header}.{once}.c2ln.c2ln")).is_err());
    }
}
