//! What can be found: a saved query or a workflow, with what it is asked with and what it answers.

use serde_json::{Map, Value, json};

use super::{
    columns, ends,
    words::{snippet, spoken},
};
use crate::{
    ai::ToolCall,
    ids::{DataQueryId, WorkflowId},
    store::{
        Words,
        tables::catalogue::{QueryText, WorkflowText},
    },
};

/// Most inputs of an entry that are known here.
const INPUTS: usize = 64;
/// Most values of an enum.
const VALUES: usize = 256;
/// Most text of all enums of an entry in bytes: they are read with each message that may mean it.
const LABELS: usize = 16 * 1024;
/// Most result columns.
const COLUMNS: usize = 64;
/// Longest text of one field in bytes.
const FIELD: usize = 2048;

/// What is found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A saved query.
    Query(DataQueryId),
    /// A workflow.
    Workflow(WorkflowId),
}

impl Subject {
    /// Its id as text.
    pub fn id(&self) -> &str {
        match self {
            Subject::Query(id) => id.as_str(),
            Subject::Workflow(id) => id.as_str(),
        }
    }
}

/// What an input takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text; also what has no type.
    Text,
    /// A number.
    Number,
    /// Yes or no.
    Boolean,
    /// A day, as `2026-11-25`, or a time: the definition says so.
    Date,
    /// An object or an array.
    Structure,
}

/// How a date is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// `2026-11-25`.
    #[default]
    Day,
    /// `2026-11-25T00:00:00+01:00`.
    Time,
    /// `2026-11`.
    Month,
}

/// An input of an entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// Its key in `inputValues`.
    pub key: String,
    /// Its name for people.
    pub label: Option<String>,
    /// What it takes.
    pub kind: Kind,
    /// How a date is written.
    pub form: Form,
    /// As the end of a range it is the last that is meant, not what is behind it; none: nothing says so.
    pub includes: Option<bool>,
    /// It must be given, and has no default.
    pub required: bool,
    /// Its definition says that it need not be given.
    pub optional: bool,
    /// It has a default.
    pub default: Option<Value>,
    /// What it may be; empty: anything.
    pub values: Vec<Choice>,
}

/// A value of an enum.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// As it is given.
    pub value: Value,
    /// Its name for people.
    pub label: String,
}

/// A saved query or a workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What it is.
    pub subject: Subject,
    /// Its title.
    pub title: String,
    /// What it is for.
    pub about: Option<String>,
    /// What it is asked with.
    pub inputs: Vec<Input>,
    /// What it answers, as far as its text says.
    pub columns: Vec<String>,
    /// The title of its data source.
    pub source: Option<String>,
}

impl Entry {
    /// Of a saved query; `source` is the title of its data source.
    pub fn of_query(row: QueryText, source: Option<&str>) -> Self {
        let options: Value = serde_json::from_str(&row.options).unwrap_or_default();
        let statement = options.get("query").and_then(Value::as_str);
        let columns = statement.map(columns::of).unwrap_or_default();
        let mut inputs = inputs(&options);
        for input in inputs.iter_mut().filter(|input| input.kind == Kind::Date) {
            input.includes = statement.and_then(|statement| ends::includes(statement, &input.key));
        }
        Self {
            subject: Subject::Query(row.data_query_id),
            title: row.title,
            about: row.description.map(|about| snippet(&about, FIELD)),
            inputs,
            columns: columns.into_iter().take(COLUMNS).collect(),
            source: source.map(|title| snippet(title, FIELD)),
        }
    }

    /// Of a workflow.
    pub fn of_workflow(row: WorkflowText) -> Self {
        let options: Value = serde_json::from_str(&row.options).unwrap_or_default();
        Self {
            subject: Subject::Workflow(row.workflow_id),
            title: row.title,
            about: row.description.map(|about| snippet(&about, FIELD)),
            inputs: inputs(&options),
            columns: Vec::new(),
            source: None,
        }
    }

    /// The call of it.
    pub fn call(&self, inputs: Map<String, Value>) -> ToolCall {
        match &self.subject {
            Subject::Query(query) => ToolCall::RunQuery { query: query.clone(), inputs },
            Subject::Workflow(workflow) => ToolCall::StartWorkflow { workflow: workflow.clone(), inputs },
        }
    }

    /// As JSON, for a model or a page: data of the tenant.
    pub fn to_value(&self) -> Value {
        let id = match &self.subject {
            Subject::Query(_) => "dataQueryID",
            Subject::Workflow(_) => "workflowID",
        };
        let inputs: Vec<Value> = self.inputs.iter().map(Input::to_value).collect();
        let mut out = json!({ id: self.subject.id(), "title": self.title, "inputs": inputs });
        if let Some(about) = &self.about {
            out["description"] = json!(about);
        }
        if !self.columns.is_empty() {
            out["columns"] = json!(self.columns);
        }
        if let Some(source) = &self.source {
            out["source"] = json!(source);
        }
        out
    }

    /// What it is found by.
    pub(super) fn words(&self) -> Words {
        let mut inputs = String::new();
        for input in &self.inputs {
            let names = [Some(&input.key), input.label.as_ref()];
            let values = input.values.iter().map(|choice| &choice.label);
            for text in names.into_iter().flatten().chain(values) {
                inputs.push_str(&spoken(text));
                inputs.push(' ');
            }
        }
        let columns: Vec<String> = self.columns.iter().map(|column| spoken(column)).collect();
        Words {
            title: spoken(&self.title),
            about: self.about.as_deref().map(spoken).unwrap_or_default(),
            inputs,
            columns: columns.join(" "),
            source: self.source.as_deref().map(spoken).unwrap_or_default(),
        }
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let inputs: usize = self
            .inputs
            .iter()
            .map(|input| {
                160 + input.key.len() + input.values.iter().map(|v| 96 + 2 * v.label.len()).sum::<usize>()
            })
            .sum();
        let about = self.about.as_ref().map_or(0, String::len);
        let columns: usize = self.columns.iter().map(|column| 24 + column.len()).sum();
        // Twice: its words are in the index.
        256 + 2 * (self.title.len() + about + columns) + inputs
    }
}

impl Input {
    /// How people call it.
    pub fn name(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.key)
    }

    /// Whether it is to be asked for: it has no default, and nothing says that it may be left out.
    pub fn is_needed(&self) -> bool {
        self.required || (self.default.is_none() && !self.optional)
    }

    fn to_value(&self) -> Value {
        let kind = match self.kind {
            Kind::Text => "string",
            Kind::Number => "number",
            Kind::Boolean => "boolean",
            Kind::Date => match self.form {
                Form::Day => "date",
                Form::Time => "date-time",
                Form::Month => "month, as 2026-11",
            },
            Kind::Structure => "object or array",
        };
        let mut out = json!({ "key": self.key, "type": kind, "required": self.required });
        if let Some(label) = &self.label {
            out["label"] = json!(label);
        }
        if let Some(default) = &self.default {
            out["default"] = default.clone();
        }
        if !self.values.is_empty() {
            out["enum"] = self.values.iter().map(|choice| choice.value.clone()).collect();
        }
        out
    }
}

/// `inputDefinitions`, or `args` of older definitions (`engine::resolve_inputs` reads the same).
fn inputs(options: &Value) -> Vec<Input> {
    let list = ["inputDefinitions", "args"].into_iter().find_map(|name| options.get(name)?.as_array());
    let mut inputs: Vec<Input> = list.into_iter().flatten().filter_map(input).take(INPUTS).collect();
    let mut left = LABELS;
    for input in &mut inputs {
        let fits = input.values.iter().take_while(|choice| {
            let fits = choice.label.len() <= left;
            left = if fits { left - choice.label.len() } else { 0 };
            fits
        });
        // An enum stays one.
        let most = fits.count().max(1);
        input.values.truncate(most);
    }
    inputs
}

fn input(definition: &Value) -> Option<Input> {
    let text = |names: &[&str]| names.iter().find_map(|name| definition.get(*name)?.as_str());
    let key = text(&["key", "name"]).filter(|key| !key.is_empty())?;
    let default = ["default", "defaultValue"].into_iter().find_map(|name| definition.get(name));
    let default = default.filter(|value| !value.is_null() && value.as_str() != Some("")).cloned();
    let (kind, form) = match (text(&["type"]).unwrap_or_default(), text(&["format"]).unwrap_or_default()) {
        ("number" | "integer", _) => (Kind::Number, Form::Day),
        ("boolean", _) => (Kind::Boolean, Form::Day),
        ("object" | "array", _) => (Kind::Structure, Form::Day),
        ("month", _) | (_, "month" | "year-month") => (Kind::Date, Form::Month),
        ("datetime" | "date-time" | "timestamp", _) | (_, "date-time" | "datetime" | "timestamp") => {
            (Kind::Date, Form::Time)
        }
        ("date", _) | (_, "date") => (Kind::Date, Form::Day),
        _ if text(&["pattern"]).is_some_and(is_month) => (Kind::Date, Form::Month),
        _ => (Kind::Text, Form::Day),
    };
    let values = ["enum", "options", "values"].into_iter().find_map(|name| definition.get(name)?.as_array());
    let required = definition.get("required").map(|value| match value {
        Value::Bool(yes) => *yes,
        Value::String(text) => !text.is_empty(),
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Null => false,
        Value::Array(_) | Value::Object(_) => true,
    });
    Some(Input {
        key: key.to_owned(),
        label: text(&["label", "title"])
            .filter(|label| !label.trim().is_empty())
            .map(|label| snippet(label, 255)),
        kind,
        form,
        includes: None,
        required: required == Some(true) && default.is_none(),
        optional: required == Some(false),
        default,
        values: values.into_iter().flatten().filter_map(choice).take(VALUES).collect(),
    })
}

/// A pattern for `2026-11` and nothing else.
fn is_month(pattern: &str) -> bool {
    matches!(
        pattern.trim_start_matches('^').trim_end_matches('$'),
        r"\d{4}-\d{2}" | "[0-9]{4}-[0-9]{2}" | r"\d{4}-(0[1-9]|1[0-2])" | "[0-9]{4}-(0[1-9]|1[0-2])"
    )
}

fn choice(value: &Value) -> Option<Choice> {
    let plain = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        _ => None,
    };
    let (value, label) = match value.as_object() {
        Some(object) => {
            let value = object.get("value").or_else(|| object.get("key"))?;
            let label = ["label", "title", "name"].into_iter().find_map(|name| object.get(name)?.as_str());
            (value, label.map(str::to_owned).or_else(|| plain(value))?)
        }
        None => (value, plain(value)?),
    };
    (label.len() <= FIELD).then(|| Choice { value: value.clone(), label })
}
