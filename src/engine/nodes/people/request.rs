//! `dataCollection`: waits for a form; and what both types that ask have in common.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::form::{SCHEMA_BYTES, compile};
use crate::{
    engine::{
        Fields, NodeError, Request,
        definition::{Config, Faults, span},
        nodes::kind::{Begin, Ended, Left, later},
        value::{Lookup, Template, json_size, text},
    },
    error::Code,
};

/// A year of minutes.
const LONGEST: f64 = 525_600.0;

/// What both types that ask have in common.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asks {
    title: String,
    description: String,
    approvers: String,
    pub(super) variable: Arc<str>,
    expiry_minutes: f64,
    timeout_handle: Option<Arc<str>>,
    fails: bool,
}

impl Asks {
    pub(super) fn parse(config: &Config<'_>, title: &str, variable: &str, faults: &mut Faults) -> Self {
        let plain = |name: &str, default: &str, faults: &mut Faults| match config.value(name) {
            None => default.to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(_) => {
                config.fault(name, "must be a text", faults);
                String::new()
            }
        };
        let given = |name: &str| config.text(name).map(str::trim).filter(|text| !text.is_empty());
        let expiry_minutes = match config.number_of("expiryMinutes", faults) {
            Some(minutes) if minutes < 0.0 => {
                config.fault("expiryMinutes", "must be at least 0", faults);
                0.0
            }
            Some(minutes) => minutes.min(LONGEST),
            None => config
                .option("humanInLoopTimeout")
                .and_then(span)
                .map_or(60.0, |span| (span.as_secs_f64() / 60.0).min(LONGEST)),
        };
        Self {
            title: plain("title", title, faults),
            description: plain("description", "", faults),
            approvers: match config.value("approvers") {
                // A list is the same as its members with commas between.
                Some(Value::Array(list)) => {
                    list.iter().map(|one| text(one).into_owned()).collect::<Vec<_>>().join(",")
                }
                _ => plain("approvers", "", faults),
            },
            variable: Arc::from(given("outputVariable").unwrap_or(variable)),
            expiry_minutes,
            timeout_handle: given("timeoutHandle").map(Arc::from),
            fails: given("onTimeout") == Some("fail"),
        }
    }

    /// The members of `collectionConfig` that both have.
    pub(super) fn config(&self, ctx: &dyn Lookup) -> Result<Map<String, Value>, NodeError> {
        let mut config = Map::new();
        config.insert("title".to_owned(), Value::String(said(&self.title, ctx)));
        config.insert("description".to_owned(), Value::String(said(&self.description, ctx)));
        config.insert("outputVariable".to_owned(), Value::from(self.variable.as_ref()));
        config.insert("expiryMinutes".to_owned(), minutes(self.expiry_minutes));
        if !self.approvers.trim().is_empty() {
            let approvers = said(&self.approvers, ctx);
            // Nobody named is not everybody.
            if approvers.trim_matches([' ', ',']).is_empty() {
                return Err(NodeError::new(Code::NodeFailed, "approvers names nobody"));
            }
            config.insert("approvers".to_owned(), Value::String(approvers));
        }
        Ok(config)
    }

    /// A visit begins: it waits, with an end or without.
    pub(super) fn begin(
        &self,
        kind: &str,
        config: Result<Map<String, Value>, NodeError>,
        now: Timestamp,
    ) -> Begin {
        let config = match config {
            Ok(config) => config,
            Err(error) => return Begin::Ended(Err(error)),
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to a year")]
        let wait_ms = (self.expiry_minutes * 60_000.0) as u64;
        let until = if wait_ms == 0 { None } else { later(now, wait_ms) };
        let request = Request { collection_type: Arc::from(kind), config: Arc::new(Value::Object(config)) };
        Begin::Wait { until, wait_ms, request: Some(request) }
    }

    /// Nobody answered in time.
    pub(super) fn expired(&self, value: Value, handle: Option<&str>) -> Ended {
        let handle = self.timeout_handle.clone().or_else(|| handle.map(Arc::from)).filter(|_| !self.fails);
        match handle {
            Some(handle) => Ok(self.left(value, handle)),
            None => Err(NodeError::new(Code::CollectionExpired, "nobody answered in time (expiryMinutes)")),
        }
    }

    pub(super) fn left(&self, value: Value, handle: Arc<str>) -> Left {
        let mut output = Fields::new().with("success", true);
        output.insert(self.variable.clone(), value);
        Left::from((output, handle))
    }
}

/// Words for people: templates in them are resolved, other braces are text.
pub(super) fn said(words: &str, ctx: &dyn Lookup) -> String {
    match Template::parse(words) {
        Ok(template) => template.resolve(ctx).map(|value| text(&value).into_owned()).unwrap_or_default(),
        Err(_) => words.to_owned(),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a whole number below a year")]
fn minutes(minutes: f64) -> Value {
    if minutes.fract() == 0.0 { json!(minutes as i64) } else { json!(minutes) }
}

/// `dataCollection`.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) struct DataCollection {
    asks: Asks,
    kind: Arc<str>,
    schema: Arc<Value>,
    uischema: Arc<Value>,
}

impl DataCollection {
    pub(in crate::engine::nodes) fn parse(config: &Config<'_>, faults: &mut Faults) -> Self {
        let kind =
            config.text("collectionType").map(str::trim).filter(|kind| !kind.is_empty()).unwrap_or("form");
        if !matches!(kind, "form" | "api" | "approval") {
            config.fault("collectionType", "must be one of form, api, approval", faults);
        }
        let object = |name: &str, default: Value, faults: &mut Faults| match config.value(name) {
            None => default,
            Some(value @ Value::Object(_)) => value.clone(),
            Some(_) => {
                config.fault(name, "must be an object", faults);
                default
            }
        };
        let schema = object("formSchema", json!({ "type": "object", "properties": {} }), faults);
        if json_size(&schema) > SCHEMA_BYTES {
            config.fault("formSchema", "must be at most 256 KiB long", faults);
        } else if let Err(why) = compile(&schema) {
            config.fault("formSchema", why.as_str(), faults);
        }
        let uischema = object("formUischema", json!({ "type": "VerticalLayout", "elements": [] }), faults);
        Self {
            asks: Asks::parse(config, "Input required", "collectedData", faults),
            kind: Arc::from(kind),
            schema: Arc::new(schema),
            uischema: Arc::new(uischema),
        }
    }

    pub(in crate::engine::nodes) fn begin(&self, ctx: &dyn Lookup, now: Timestamp) -> Begin {
        let config = self.asks.config(ctx).map(|mut config| {
            config.insert("collectionType".to_owned(), Value::from(self.kind.as_ref()));
            config.insert("formSchema".to_owned(), self.schema.as_ref().clone());
            config.insert("formUischema".to_owned(), self.uischema.as_ref().clone());
            config
        });
        self.asks.begin(&self.kind, config, now)
    }

    pub(in crate::engine::nodes) fn expired(&self) -> Ended {
        self.asks.expired(json!({ "expired": true }), None)
    }

    /// The answer is the result.
    pub(in crate::engine::nodes) fn answered(&self, answer: &Value) -> Left {
        self.asks.left(answer.clone(), Arc::from("output"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(data: &Value, options: &Value) -> (DataCollection, usize) {
        let mut faults = Faults::default();
        let data = data.as_object().unwrap();
        let node = DataCollection::parse(&Config::new("n", None, data).within(options), &mut faults);
        (node, faults.into_problems().len())
    }

    fn begun(data: &Value, options: &Value) -> (Option<Timestamp>, Value, String) {
        let ctx = Fields::new().with("who", "Ann");
        match parse(data, options).0.begin(&ctx, Timestamp::UNIX_EPOCH) {
            Begin::Wait { until, request: Some(request), .. } => {
                (until, request.config.as_ref().clone(), request.collection_type.to_string())
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_request_with_its_defaults() {
        let (until, config, kind) =
            begun(&json!({"title": "For {{ctx.who}}", "description": "{{ not one"}), &json!({}));
        assert_eq!(until, Some("1970-01-01T01:00:00Z".parse().unwrap()));
        assert_eq!(kind, "form");
        assert_eq!(
            config,
            json!({"collectionType": "form", "title": "For Ann", "description": "{{ not one", "outputVariable": "collectedData",
                "formSchema": {"type": "object", "properties": {}}, "formUischema": {"type": "VerticalLayout", "elements": []},
                "expiryMinutes": 60})
        );
        assert_eq!(begun(&json!({"expiryMinutes": 0}), &json!({})).0, None);
        let (until, config, _) = begun(&json!({}), &json!({"humanInLoopTimeout": "2 hours"}));
        assert_eq!(
            (until, &config["expiryMinutes"]),
            (Some("1970-01-01T02:00:00Z".parse().unwrap()), &json!(120))
        );
    }

    #[test]
    fn at_expiry_it_fails_or_goes_on() {
        let expired = |data: Value| parse(&data, &Value::Null).0.expired();
        assert_eq!(expired(json!({})).unwrap_err().code, "COLLECTION_EXPIRED");
        let left = expired(json!({"timeoutHandle": "late"})).unwrap();
        assert_eq!(left.handles[0].as_ref(), "late");
        assert_eq!(left.output.to_value(), json!({"collectedData": {"expired": true}, "success": true}));
        assert!(expired(json!({"timeoutHandle": "late", "onTimeout": "fail"})).is_err());
    }

    #[test]
    fn faults() {
        for (data, found) in [
            (json!({"formSchema": [], "formUischema": 1, "title": 5}), 3),
            (json!({"formSchema": {"type": "sausage"}}), 1),
            (json!({"formSchema": {"$ref": "http://127.0.0.1/x"}}), 1),
            (json!({"collectionType": "fax", "expiryMinutes": -1}), 2),
        ] {
            assert_eq!(parse(&data, &Value::Null).1, found, "{data}");
        }
    }

    #[test]
    fn nobody_named_is_not_everybody() {
        let node = parse(&json!({"approvers": "{{ctx.gone}}"}), &Value::Null).0;
        assert!(matches!(node.begin(&Fields::new(), Timestamp::UNIX_EPOCH), Begin::Ended(Err(_))));
    }
}
