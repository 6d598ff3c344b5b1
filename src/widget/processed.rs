//! `processedData` (`contract.md` 3.11): what a widget shows of a context. Pure.

use serde_json::{Map, Value, json};

use crate::engine::{Context, Resolver};

/// Most bytes of it: as much as a context may have that goes along with an update.
const MOST: usize = 512 << 10;

/// With `widget_config`: that, with its templates resolved, missing paths null. Else with
/// `dataset_fields` or `parameters`: those, where a plain text in a dataset field is a path into the
/// context. Null with none of them, and when it would be too large: it is never an error.
pub fn processed(
    widget_type: Option<&Value>,
    dataset_fields: Option<&Value>,
    parameters: Option<&Value>,
    widget_config: Option<&Value>,
    context: &Context,
) -> Value {
    let given = |value: Option<&Value>| value.filter(|value| !value.is_null()).cloned();
    let mut resolver = Resolver::new(context, MOST);
    if let Some(config) = given(widget_config) {
        return resolver.templates(&config).unwrap_or_default();
    }
    let (fields, parameters) = (given(dataset_fields), given(parameters));
    if fields.is_none() && parameters.is_none() {
        return Value::Null;
    }
    let mut resolved = Map::new();
    resolved.insert("widgetType".to_owned(), given(widget_type).unwrap_or_default());
    let fields = resolver.fields(&fields.unwrap_or_else(|| json!({})));
    let parameters = resolver.templates(&parameters.unwrap_or_else(|| json!({})));
    match (fields, parameters) {
        (Ok(fields), Ok(parameters)) => {
            resolved.insert("datasetFields".to_owned(), fields);
            resolved.insert("parameters".to_owned(), parameters);
            Value::Object(resolved)
        }
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Fields;

    #[test]
    fn the_configuration_wins_then_the_fields_then_null() {
        let context = Context::new(Fields::new().with("rows", json!([{ "m": 1 }, { "m": 2 }])));
        let (kind, fields) = (json!("bar"), json!({ "x": "rows[*].m" }));
        let parameters = json!({ "title": "Sales", "n": "{{ctx.rows[1].m}}" });
        let config = json!({ "data": "{{ctx.rows}}", "none": "{{ctx.gone}}" });
        let of = |fields, parameters, config| processed(Some(&kind), fields, parameters, config, &context);
        let all = of(Some(&fields), Some(&parameters), Some(&config));
        assert_eq!(all, json!({ "data": [{ "m": 1 }, { "m": 2 }], "none": null }));
        let both = of(Some(&fields), Some(&parameters), Some(&Value::Null));
        let expected = json!({ "widgetType": "bar", "datasetFields": { "x": [1, 2] }, "parameters": { "title": "Sales", "n": 2 } });
        assert_eq!(both, expected);
        assert_eq!(of(None, Some(&parameters), None)["datasetFields"], json!({}));
        assert_eq!(of(None, None, None), Value::Null);
        let large = json!(vec!["{{ctx.rows}}"; 50_000]);
        assert_eq!(of(None, None, Some(&large)), Value::Null, "never an error");
    }
}
