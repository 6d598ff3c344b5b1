//! Who may answer a request.

use serde_json::Value;

use crate::engine::Submitter;

/// Whether `approvers` of a request's configuration (emails or user ids, with commas between) names
/// who answers; nobody named = everybody who may execute. Emails are compared without case.
pub(super) fn may_answer(config: &Value, by: &Submitter) -> bool {
    let named = config.get("approvers").and_then(Value::as_str).unwrap_or_default();
    let mut named = named.split(',').map(str::trim).filter(|name| !name.is_empty()).peekable();
    if named.peek().is_none() {
        return true;
    }
    let is_me = |name: &str| {
        let email = by.email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(name));
        email || by.user.as_ref().is_some_and(|user| user.as_str() == name)
    };
    named.any(is_me)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ids::UserId;

    #[test]
    fn emails_and_user_ids() {
        let by = |user: &str, email: Option<&str>| Submitter {
            user: Some(UserId::trusted(user)),
            api_key: None,
            email: email.map(str::to_owned),
        };
        let config = json!({"approvers": " Ann@x.org, u2,"});
        assert!(may_answer(&config, &by("u1", Some("ann@X.org"))));
        assert!(may_answer(&config, &by("u2", None)));
        assert!(!may_answer(&config, &by("U2", Some("bob@x.org"))));
        assert!(!may_answer(&config, &Submitter::default()));
        for all in [json!({}), json!({"approvers": ""}), json!({"approvers": " , "})] {
            assert!(may_answer(&all, &Submitter::default()));
        }
    }
}
