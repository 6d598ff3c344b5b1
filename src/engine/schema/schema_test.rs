//! A schema promises what the parsers take: both are walked, so that they cannot disagree.

use serde_json::{Map, Value, json};

use super::*;
use crate::engine::{
    Fault, Limits, Severity, Source,
    definition::{Config, Faults},
    nodes::{TypeRow, type_rows},
};

/// The least configuration of a type that its schema takes.
fn least(name: &str) -> Map<String, Value> {
    let schema = node_schema(name).unwrap();
    let mut data = Map::new();
    for field in schema["required"].as_array().unwrap() {
        let field = field.as_str().unwrap();
        let shape = &schema["properties"][field];
        let value = match shape["type"].as_str() {
            Some("array") => json!([{ "id": "a", "name": "A" }]),
            Some("string") => json!("return 1"),
            other => panic!("{name}.{field}: {other:?}"),
        };
        data.insert(field.to_owned(), value);
    }
    data
}

fn said(row: &TypeRow, data: &Map<String, Value>) -> Vec<String> {
    let mut faults = Faults::default();
    if let Some(parse) = row.parse {
        parse(&Config::new("data", None, data), &mut faults);
    }
    let plain = Source {
        nodes: json!([{ "id": "n", "type": row.name, "data": data }]),
        edges: json!([]),
        options: Value::Null,
    };
    let more = crate::engine::check_saved(&plain, &Limits::default());
    let more = more.into_iter().map(|problem| problem.to_string().replace("nodes[0].", ""));
    faults.into_problems().iter().map(ToString::to_string).chain(more).collect()
}

/// Rows of types that this version carries out.
fn known() -> impl Iterator<Item = &'static TypeRow> {
    type_rows().filter(|row| row.parse.is_some())
}

#[test]
fn all_types_are_described_and_all_schemas_are_valid() {
    let schemas = node_schemas();
    assert_eq!(schemas.len(), 13);
    for row in type_rows() {
        let schema = &schemas[row.name];
        jsonschema::draft202012::meta::validate(schema).unwrap_or_else(|e| panic!("{}: {e}", row.name));
        let variable = schema["properties"].get("outputVariable").and_then(|field| field.get("default"));
        assert_eq!(variable.and_then(Value::as_str), row.output_variable, "{}", row.name);
        assert!(!schema["description"].as_str().unwrap().is_empty(), "{}", row.name);
    }
    jsonschema::draft202012::meta::validate(&definition_schema()).unwrap();
}

#[test]
fn what_a_schema_takes_is_taken() {
    for row in known() {
        let schema = node_schema(row.name).unwrap();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let data = least(row.name);
        assert!(validator.is_valid(&json!(data)), "{}: {data:?}", row.name);
        assert_eq!(said(row, &data), [""; 0], "{}", row.name);
        for (field, shape) in schema["properties"].as_object().unwrap() {
            let mut values: Vec<Value> = shape["enum"].as_array().cloned().unwrap_or_default();
            values.extend([&shape["minimum"], &shape["maximum"], &shape["default"]].into_iter().cloned());
            for value in values.into_iter().filter(|value| !value.is_null()) {
                let mut data = data.clone();
                data.insert(field.clone(), value.clone());
                // Of these types a choice needs its own field beside it.
                data.entry("delayVariable").or_insert(json!("{{ctx.input.ms}}"));
                data.entry("untilTime").or_insert(json!("{{ctx.input.at}}"));
                assert!(validator.is_valid(&json!(data)), "{}.{field} = {value}", row.name);
                assert_eq!(said(row, &data), [""; 0], "{}.{field} = {value}", row.name);
            }
        }
    }
}

#[test]
fn what_a_schema_refuses_is_refused() {
    // What is clamped at run time, or read leniently, is no fault (`contract.md` 5.5).
    let lenient = |kind: &str, field: &str| {
        matches!(
            field,
            "timeoutSeconds"
                | "retryLimit"
                | "retryDelaySeconds"
                | "errorHandling"
                | "joinMode"
                | "isDisabled"
        ) || matches!(
            (kind, field),
            ("approval" | "dataCollection", _)
                | ("subWorkflow", "maxDepth" | "mergeOutputs")
                | ("join", "requireAll")
        )
    };
    for row in known() {
        let schema = node_schema(row.name).unwrap();
        for field in schema["required"].as_array().unwrap() {
            let mut data = least(row.name);
            data.remove(field.as_str().unwrap());
            assert!(!said(row, &data).is_empty(), "{} without {field}", row.name);
        }
        for (field, shape) in schema["properties"].as_object().unwrap() {
            if lenient(row.name, field) {
                continue;
            }
            let mut wrong = Vec::new();
            wrong.extend(shape["minimum"].as_f64().map(|least| json!(least - 1.0)));
            wrong.extend(shape["maximum"].as_f64().map(|most| json!(most + 1.0)));
            wrong.extend(shape["enum"].as_array().map(|_| json!("never heard of")));
            for value in wrong {
                let mut data = least(row.name);
                data.insert(field.clone(), value.clone());
                assert!(!said(row, &data).is_empty(), "{}.{field} = {value}", row.name);
            }
        }
    }
}

fn source(nodes: Value, edges: Value) -> Source {
    Source { nodes, edges, options: json!({ "inputDefinitions": [{ "key": "days", "type": "number" }] }) }
}

#[test]
fn hints_name_what_was_meant() {
    let found = problems(
        &source(
            json!([
                { "id": "s", "type": "start" },
                { "id": "js", "type": "javascript", "data": { "code": "return 1", "timeoutSecond": 5, "myOwn": 1 } },
                { "id": "c", "type": "condition", "data": { "branches": [{ "id": "yes", "conditions": [
                    { "leftValue": "{{ctx.jsResul}}", "operator": "equal", "rightValue": "{{ctx.input.day}}" }
                ] }] } },
                { "id": "e", "type": "end", "data": { "outputParameters": [{ "name": "x", "sourceVariable": "{{ctx.late}}" }] } },
                { "id": "late", "type": "javascript", "data": { "code": "1", "outputVariable": "late" } },
                { "id": "t", "type": "javscript" },
            ]),
            json!([
                { "source": "s", "target": "js" },
                { "source": "js", "target": "c", "sourceHandle": "sucess" },
                { "source": "c", "target": "e", "sourceHandle": "yess" },
                { "source": "c", "target": "f" },
            ]),
        ),
        &Limits::default(),
    );
    let told: Vec<(&str, Fault, Option<&str>)> = found
        .iter()
        .map(|one| {
            (one.path.as_str(), one.code, Some(one.hint.as_str()).filter(|hint| *hint != one.code.hint()))
        })
        .collect();
    assert!(found.iter().all(|one| !one.hint.is_empty()));
    let expected = [
        ("edges[3].target", Fault::UnknownNode, None),
        ("nodes[5].type", Fault::UnknownType, Some("did you mean \"javascript\"?")),
        ("edges[1].sourceHandle", Fault::UnknownHandle, Some("did you mean \"success\"?")),
        ("edges[2].sourceHandle", Fault::UnknownHandle, Some("did you mean \"yes\"?")),
        ("edges[3].sourceHandle", Fault::UnknownHandle, Some("its handles are default, error, yes")),
        ("nodes[4]", Fault::Unreachable, None),
        ("nodes[5]", Fault::Unreachable, None),
        ("nodes[1].data.timeoutSecond", Fault::UnknownField, Some("did you mean \"timeoutSeconds\"?")),
        (
            "nodes[2].data.branches[0].conditions[0].operator",
            Fault::UnknownValue,
            Some("did you mean \"equals\"?"),
        ),
        (
            "nodes[2].data.branches[0].conditions[0].leftValue",
            Fault::UnknownPath,
            Some("did you mean \"jsResult\"?"),
        ),
        (
            "nodes[2].data.branches[0].conditions[0].rightValue",
            Fault::UnknownPath,
            Some("did you mean \"days\"?"),
        ),
        (
            "nodes[3].data.outputParameters[0].sourceVariable",
            Fault::UnknownPath,
            Some("node late writes it, but no way leads from there to here"),
        ),
    ];
    assert_eq!(told, expected, "{told:#?}");
    let errors = found.iter().filter(|one| one.severity == Severity::Error).count();
    assert_eq!(errors, 2);
}

#[test]
fn a_sound_definition_is_left_alone() {
    let sound = source(
        json!([
            { "id": "s", "type": "start" },
            { "id": "js", "type": "javascript", "data": { "code": "return ctx.nothing", "label": "Sum", "icon": "x" } },
            { "id": "d", "type": "delay", "data": { "delayType": "dynamic", "delayVariable": "{{ctx.jsResult.ms}}" } },
            { "id": "e", "type": "end", "data": { "outputParameters": [
                { "name": "a", "sourceVariable": "{{ctx.input.days}}" },
                { "name": "b", "sourceVariable": "{{ctx.__node_js.output.jsResult}}" },
            ] } },
        ]),
        json!([
            { "source": "s", "target": "js" },
            { "source": "js", "target": "d" },
            { "source": "d", "target": "e", "sourceHandle": "success" },
        ]),
    );
    assert_eq!(problems(&sound, &Limits::default()), []);
}
