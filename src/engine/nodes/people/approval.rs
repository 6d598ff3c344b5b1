//! `approval`: waits for a decision.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::request::{Asks, said};
use crate::engine::{
    definition::{Config, Faults},
    nodes::kind::{Begin, Ended, Left},
    value::{Lookup, text, truthy},
};

/// `approval`.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) struct Approval {
    asks: Asks,
    require_comment: bool,
    labels: [String; 3],
    on_timeout: Arc<str>,
}

impl Approval {
    pub(in crate::engine::nodes) fn parse(config: &Config<'_>, faults: &mut Faults) -> Self {
        let given = |name: &str| config.text(name).filter(|text| !text.trim().is_empty());
        let on_timeout = given("onTimeout").unwrap_or("expired").trim();
        if !matches!(on_timeout, "expired" | "fail") {
            config.fault("onTimeout", "must be one of expired, fail", faults);
        }
        let labels = [("approveLabel", "Accept"), ("rejectLabel", "Reject"), ("cancelLabel", "Cancel")];
        Self {
            asks: Asks::parse(config, "Approval required", "approval", faults),
            require_comment: config.value("requireComment").is_some_and(truthy),
            labels: labels.map(|(name, default)| given(name).unwrap_or(default).to_owned()),
            on_timeout: Arc::from(on_timeout),
        }
    }

    pub(in crate::engine::nodes) fn begin(&self, ctx: &dyn Lookup, now: Timestamp) -> Begin {
        let config = self.asks.config(ctx).map(|mut config| {
            let mut set = |name: &str, value: Value| config.insert(name.to_owned(), value);
            set("collectionType", Value::from("approval"));
            set("requireComment", Value::Bool(self.require_comment));
            for (name, label) in ["approveLabel", "rejectLabel", "cancelLabel"].into_iter().zip(&self.labels)
            {
                set(name, Value::String(said(label, ctx)));
            }
            set("onTimeout", Value::from(self.on_timeout.as_ref()));
            set("formSchema", self.schema());
            set("formUischema", uischema());
            config.entry("approvers").or_insert_with(|| Value::from(""));
            config
        });
        self.asks.begin("approval", config, now)
    }

    /// The form that pages draw. What counts is [`Approval::answered`], which takes older answers, too.
    fn schema(&self) -> Value {
        let required =
            if self.require_comment { json!(["decision", "comment"]) } else { json!(["decision"]) };
        json!({
            "type": "object",
            "properties": {
                "decision": { "type": "string", "title": "Your decision", "enum": ["approve", "reject"] },
                "comment": { "type": "string", "title": "Comment" },
            },
            "required": required,
        })
    }

    pub(in crate::engine::nodes) fn expired(&self) -> Ended {
        self.asks.expired(json!({ "approved": false, "expired": true, "comment": "" }), Some("expired"))
    }

    /// `{ decision: "approve" | "reject", comment }`, older `{ approved }`.
    pub(in crate::engine::nodes) fn answered(&self, answer: &Value) -> Result<Left, String> {
        let approved = match (answer.get("decision"), answer.get("approved")) {
            (Some(Value::String(decision)), _) => match decision.trim().to_ascii_lowercase().as_str() {
                "approve" => true,
                "reject" => false,
                _ => return Err("decision must be approve or reject".to_owned()),
            },
            (None | Some(Value::Null), Some(Value::Bool(approved))) => *approved,
            (None | Some(Value::Null), Some(Value::String(word))) if word.eq_ignore_ascii_case("true") => {
                true
            }
            (None | Some(Value::Null), Some(Value::String(word))) if word.eq_ignore_ascii_case("false") => {
                false
            }
            _ => return Err("decision must be approve or reject".to_owned()),
        };
        let comment = match answer.get("comment") {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(comment)) => comment.clone(),
            Some(Value::Array(_) | Value::Object(_)) => return Err("comment must be a text".to_owned()),
            Some(other) => text(other).into_owned(),
        };
        if self.require_comment && comment.trim().is_empty() {
            return Err("comment is required".to_owned());
        }
        let handle = if approved { "approved" } else { "rejected" };
        Ok(self.asks.left(json!({ "approved": approved, "comment": comment }), Arc::from(handle)))
    }
}

fn uischema() -> Value {
    json!({
        "type": "VerticalLayout",
        "elements": [
            { "type": "Control", "scope": "#/properties/decision", "options": { "format": "radio" } },
            { "type": "Control", "scope": "#/properties/comment", "options": { "multi": true } },
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Fields;

    fn parse(data: &Value) -> Approval {
        let mut faults = Faults::default();
        let node = Approval::parse(&Config::new("n", None, data.as_object().unwrap()), &mut faults);
        assert!(faults.is_empty());
        node
    }

    #[test]
    fn the_table_of_answers() {
        let node = parse(&json!({}));
        let answered = |answer: Value| {
            node.answered(&answer)
                .ok()
                .map(|left| (left.handles[0].to_string(), left.output.to_value()["approval"].clone()))
        };
        let taken = |handle: &str, approved: bool, comment: &str| {
            Some((handle.to_owned(), json!({"approved": approved, "comment": comment})))
        };
        for (answer, expected) in [
            (json!({"decision": "approve", "comment": "ok"}), taken("approved", true, "ok")),
            (json!({"decision": "Reject"}), taken("rejected", false, "")),
            (json!({"approved": true}), taken("approved", true, "")),
            (json!({"approved": "false", "comment": null}), taken("rejected", false, "")),
            (json!({}), None),
            (json!({"decision": "maybe"}), None),
            (json!({"decision": "approve", "comment": {}}), None),
        ] {
            assert_eq!(answered(answer.clone()), expected, "{answer}");
        }
        let strict = parse(&json!({"requireComment": true}));
        assert!(strict.answered(&json!({"decision": "approve", "comment": " "})).is_err());
        assert!(strict.answered(&json!({"decision": "approve", "comment": "x"})).is_ok());
    }

    #[test]
    fn a_request_says_all_that_a_page_draws() {
        let node = parse(&json!({"approvers": ["a@x", "u2"], "rejectLabel": "No", "expiryMinutes": 0.5}));
        let Begin::Wait { until, request: Some(request), wait_ms } =
            node.begin(&Fields::new(), Timestamp::UNIX_EPOCH)
        else {
            panic!("it waits");
        };
        assert_eq!((until.is_some(), wait_ms), (true, 30_000));
        let config = request.config.as_ref();
        for (name, expected) in [
            ("approvers", json!("a@x,u2")),
            ("approveLabel", json!("Accept")),
            ("rejectLabel", json!("No")),
            ("cancelLabel", json!("Cancel")),
            ("requireComment", json!(false)),
            ("onTimeout", json!("expired")),
            ("expiryMinutes", json!(0.5)),
            ("collectionType", json!("approval")),
        ] {
            assert_eq!(config[name], expected, "{name}");
        }
        assert_eq!(node.expired().unwrap().handles[0].as_ref(), "expired");
        assert!(parse(&json!({"onTimeout": "fail"})).expired().is_err());
    }
}
