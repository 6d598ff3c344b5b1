//! A saved statement: its text for the driver, and which inputs are bound where.

use serde_json::{Map, Value};

use super::lexer::{Dialect, Lexed, Piece, Place, lex};
use crate::datasource::{Error, Problem, Reason};

/// Longest statement.
const LONGEST: usize = 256 * 1024;

/// First words of statements that only read.
const READS: &[&str] = &["SELECT", "WITH", "VALUES", "TABLE", "SHOW", "EXPLAIN", "DESCRIBE", "DESC"];
/// First words of statements that write.
const WRITES: &[&str] = &["INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", "CALL", "TRUNCATE", "REFRESH"];

/// Functions and clauses that reach beyond the database: its server's files and programs. They need
/// a privileged role, which a data source should not have; this is the second line.
const BEYOND: &[(Dialect, &[&str])] = &[
    (
        Dialect::Postgres,
        &[
            "LO_IMPORT",
            "LO_EXPORT",
            "LO_PUT",
            "LO_FROM_BYTEA",
            "PG_READ_FILE",
            "PG_READ_BINARY_FILE",
            "PG_LS_DIR",
            "PG_STAT_FILE",
            "PG_TERMINATE_BACKEND",
            "PG_RELOAD_CONF",
            "PG_ROTATE_LOGFILE",
            "DBLINK",
            "DBLINK_EXEC",
            "DBLINK_CONNECT",
            "QUERY_TO_XML",
        ],
    ),
    (Dialect::MySql, &["OUTFILE", "DUMPFILE", "LOAD_FILE", "SYS_EXEC", "SYS_EVAL"]),
    (Dialect::Sqlite, &["LOAD_EXTENSION", "READFILE", "WRITEFILE", "FTS3_TOKENIZER", "EDIT"]),
];

/// A statement that may be run.
#[derive(Debug)]
pub(in crate::datasource) struct Statement {
    /// Its text, with the driver's placeholders.
    pub text: String,
    /// Which input stands at which placeholder, by the driver's numbering.
    pub params: Vec<String>,
    /// It must not write.
    pub read_only: bool,
    /// Its first word.
    pub first: String,
}

impl Statement {
    /// What is wrong with the statement of a query's options.
    pub fn problems(dialect: Dialect, options: &Value) -> Vec<Problem> {
        Parsed::of(dialect, options).problems
    }

    /// Its words and quoted names, upper case, in order.
    pub fn words(dialect: Dialect, text: &str) -> Vec<String> {
        lex(dialect, text).words
    }

    /// The statement, with `inputs` (resolved) deciding only about names of the query's own lists.
    pub fn build(dialect: Dialect, options: &Value, inputs: &Map<String, Value>) -> Result<Self, Error> {
        let parsed = Parsed::of(dialect, options);
        if let Some(problem) = parsed.problems.first() {
            return Err(Error::failed(
                Reason::Settings,
                format!("the query is not valid: {}", problem.message),
            ));
        }
        let (mut text, mut params) = (String::new(), Vec::<String>::new());
        for piece in &parsed.lexed.pieces {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Template { name, .. } => {
                    if let Some(list) = parsed.names(name) {
                        text.push_str(&chosen(dialect, name, list, inputs.get(*name))?);
                        continue;
                    }
                    let known = params.iter().position(|param| param == name);
                    // MySQL has no numbers: each place is a parameter of its own.
                    let index = match known.filter(|_| dialect != Dialect::MySql) {
                        Some(index) => index,
                        None => {
                            params.push((*name).to_owned());
                            params.len() - 1
                        }
                    };
                    match dialect {
                        Dialect::Postgres => text.push_str(&format!("${}", index + 1)),
                        Dialect::Sqlite => text.push_str(&format!("?{}", index + 1)),
                        Dialect::MySql => text.push('?'),
                    }
                }
            }
        }
        Ok(Self { text, params, read_only: parsed.read_only, first: parsed.first })
    }
}

struct Parsed<'a> {
    lexed: Lexed<'a>,
    identifiers: Option<&'a Map<String, Value>>,
    read_only: bool,
    first: String,
    problems: Vec<Problem>,
}

impl<'a> Parsed<'a> {
    fn of(dialect: Dialect, options: &'a Value) -> Self {
        let text =
            ["query", "sql"].into_iter().find_map(|key| options.get(key)?.as_str()).unwrap_or_default();
        let text = if text.len() > LONGEST { "" } else { text };
        let mut lexed = lex(dialect, text);
        let problems = std::mem::take(&mut lexed.problems);
        let first = lexed.words.iter().find(|word| !word.is_empty()).cloned().unwrap_or_default();
        let read_only = options.get("readOnly").and_then(Value::as_bool).unwrap_or(true);
        let identifiers = options.get("identifiers").and_then(Value::as_object);
        let mut parsed = Self { lexed, identifiers, read_only, first, problems };
        parsed.check(dialect, options, text);
        parsed
    }

    /// The names that the query lists for a template.
    fn names(&self, name: &str) -> Option<&'a Vec<Value>> {
        self.identifiers?.get(name)?.as_array()
    }

    fn problem(
        &mut self,
        path: &str,
        code: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let problem = Problem { path: path.to_owned(), code, message: message.into(), hint: hint.into() };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    fn check(&mut self, dialect: Dialect, options: &Value, text: &str) {
        if text.trim().is_empty() {
            let message = format!("query must be a statement of at most {LONGEST} bytes");
            return self.problem(
                "query",
                "missing",
                message,
                "for example SELECT * FROM orders WHERE id = {{id}}",
            );
        }
        self.check_words(dialect);
        if options.get("readOnly").is_some_and(|value| !value.is_boolean()) {
            self.problem("readOnly", "type", "readOnly must be true or false", "the default is true");
        }
        if options.get("exactNumbers").is_some_and(|value| !value.is_boolean()) {
            self.problem(
                "exactNumbers",
                "type",
                "exactNumbers must be true or false",
                "the default is false",
            );
        }
        self.check_identifiers(options);
        self.check_templates(options);
    }

    fn check_words(&mut self, dialect: Dialect) {
        let first = self.first.clone();
        let writes = WRITES.contains(&first.as_str());
        if !writes && !READS.contains(&first.as_str()) {
            let message = format!("a query cannot begin with {first}");
            let hint = format!("it may begin with {}, {}", READS.join(", "), WRITES.join(", "));
            self.problem("query", "statement", message, hint);
        } else if writes && self.read_only {
            let message = format!("{first} writes, and the query only reads");
            self.problem("readOnly", "read_only", message, "set readOnly: false if it shall write");
        }
        let beyond = BEYOND.iter().filter(|(of, _)| *of == dialect).flat_map(|(_, words)| words.iter());
        let found = beyond.filter(|word| self.lexed.words.iter().any(|given| given == *word));
        for word in found.copied().collect::<Vec<_>>() {
            let message = format!("{word} reaches beyond the database");
            self.problem(
                "query",
                "forbidden",
                message,
                "queries cannot touch files or programs of the server",
            );
        }
    }

    fn check_identifiers(&mut self, options: &Value) {
        let Some(given) = options.get("identifiers") else { return };
        let hint = "for example identifiers: { \"sortBy\": [\"name\", \"created_at\"] }";
        let Some(lists) = given.as_object() else {
            return self.problem("identifiers", "type", "identifiers must be an object of lists", hint);
        };
        for (key, list) in lists {
            let names = list.as_array().map(Vec::as_slice).unwrap_or_default();
            if names.is_empty() || !names.iter().all(|name| name.as_str().is_some_and(is_name)) {
                let path = format!("identifiers.{key}");
                self.problem(&path, "identifiers", "it must be a list of names of tables or columns", hint);
            }
        }
    }

    fn check_templates(&mut self, options: &Value) {
        let list = ["inputDefinitions", "args"].into_iter().find_map(|key| options.get(key)?.as_array());
        let keys: Option<Vec<&str>> = list.filter(|list| !list.is_empty()).map(|list| {
            list.iter().filter_map(|one| one.get("key").or_else(|| one.get("name"))?.as_str()).collect()
        });
        for piece in self.lexed.pieces.clone() {
            let Piece::Template { name, place } = piece else { continue };
            if place == Place::Name && self.names(name).is_none() {
                let message = format!("{{{{{name}}}}} stands where only a name of a table or column can");
                let hint =
                    format!("list the names that it may be: identifiers: {{ \"{name}\": [\"a\", \"b\"] }}");
                self.problem("query", "template_as_name", message, hint);
            }
            if keys.as_ref().is_some_and(|keys| !keys.contains(&name)) {
                let message = format!("{{{{{name}}}}} is no input of the query");
                self.problem("query", "unknown_input", message, "declare it in inputDefinitions");
            }
        }
    }
}

/// A name, or a name within another; no quotes, so that it can be put into quotes.
fn is_name(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part.len() <= 64
            && part.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ' ' || c == '-')
    };
    text.split('.').count() <= 3 && text.split('.').all(part)
}

/// The name that an input chose, quoted; the direction of an order stays as it is.
fn chosen(dialect: Dialect, key: &str, list: &[Value], given: Option<&Value>) -> Result<String, Error> {
    let given = given.and_then(Value::as_str);
    let Some(name) = list.iter().filter_map(Value::as_str).find(|name| Some(*name) == given) else {
        let allowed = list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
        let message = format!("must be one of {allowed}");
        return Err(Error::Inputs(vec![crate::engine::InputProblem { key: key.to_owned(), message }]));
    };
    if name.eq_ignore_ascii_case("asc") || name.eq_ignore_ascii_case("desc") {
        return Ok(name.to_owned());
    }
    let quote = if dialect == Dialect::MySql { '`' } else { '"' };
    Ok(name.split('.').map(|part| format!("{quote}{part}{quote}")).collect::<Vec<_>>().join("."))
}

/// An input as a text: what a person would write.
pub(in crate::datasource) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Number(number) => match number.as_f64() {
            // 1000.0 is 1000: a column of integers takes it then.
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => {
                format!("{float:.0}")
            }
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}
