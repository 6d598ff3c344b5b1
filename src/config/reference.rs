//! `jethub config reference`: every setting with its default and its meaning, from the schema.

use serde_json::Value;

use super::schema::{Rules, allowed, first_type, limits, properties};

const HEAD: &str = "\
# Every setting of jethub, its meaning and its default. Printed by `jethub config reference`.
#
# Read in this order, each over the one before: this file (--config, else /etc/jethub/jethub.toml if
# it is there), credentials ($CREDENTIALS_DIRECTORY/<section>.<key>), the environment
# (JETHUB_<SECTION>__<KEY>; lists separated by commas, or as TOML), flags.
# Durations: \"500ms\", \"25s\", \"10m\", \"2h\", \"7d\". Sizes: bytes, or \"64KiB\", \"4MiB\", \"1MB\".
# Rates: \"20/s\", \"5/m\", \"20/10s\"; with a burst: \"20/s burst 200\".
";

/// The text of `config/reference.toml`.
pub fn reference() -> String {
    let rules = Rules::of_config();
    let mut out = HEAD.to_owned();
    for (section, node) in properties(rules.root()).into_iter().flatten() {
        let table = rules.resolve(node);
        out.push('\n');
        comment(&mut out, node.get("description").or_else(|| table.get("description")));
        out.push_str(&format!("[{section}]\n"));
        let mut lists = Vec::new();
        for (key, node) in properties(table).into_iter().flatten() {
            let items = node.get("items").map(|items| rules.resolve(items));
            match items.filter(|items| first_type(items) == "object") {
                Some(items) => lists.push((key, node, items)),
                None => setting(&mut out, &rules, key, node, ""),
            }
        }
        for (key, node, items) in lists {
            out.push('\n');
            comment(&mut out, node.get("description"));
            table_in_comment(
                &mut out,
                &rules,
                &format!("[[{section}.{key}]]"),
                &format!("{section}.{key}"),
                items,
            );
        }
    }
    out
}

/// A table that is there only as an example.
fn table_in_comment(out: &mut String, rules: &Rules, head: &str, path: &str, table: &Value) {
    out.push_str(&format!("# {head}\n"));
    let mut tables = Vec::new();
    for (key, node) in properties(table).into_iter().flatten() {
        let inner = rules.resolve(node);
        if first_type(inner) == "object" {
            tables.push((key, node, inner));
        } else {
            setting(out, rules, key, node, "# ");
        }
    }
    for (key, node, inner) in tables {
        out.push_str("#\n");
        comment(out, node.get("description"));
        let path = format!("{path}.{key}");
        table_in_comment(out, rules, &format!("[{path}]"), &path, inner);
    }
}

fn setting(out: &mut String, rules: &Rules, key: &str, node: &Value, prefix: &str) {
    out.push_str(if prefix.is_empty() { "\n" } else { "#\n" });
    comment(out, node.get("description"));
    let inner = rules.resolve(node);
    if let Some(allowed) = allowed(inner) {
        out.push_str(&format!("# One of: {}.\n", allowed.join(", ")));
    }
    match limits(node) {
        (Some(min), Some(max)) => out.push_str(&format!("# {min} to {max}.\n")),
        (Some(min), None) if min != "0" => out.push_str(&format!("# At least {min}.\n")),
        (None, Some(max)) => out.push_str(&format!("# At most {max}.\n")),
        _ => {}
    }
    let default = node.get("default").filter(|default| !default.is_null() && prefix.is_empty());
    match (default, node.get("x-example")) {
        (Some(default), _) => out.push_str(&format!("{key} = {}\n", toml(default))),
        (None, Some(example)) if first_type(inner) == "array" => {
            out.push_str(&format!("# {key} = [{}]\n", toml(example)));
        }
        (None, Some(example)) => out.push_str(&format!("# {key} = {}\n", toml(example))),
        (None, None) => out.push_str(&format!("# {key} = \"\"\n")),
    }
}

fn comment(out: &mut String, text: Option<&Value>) {
    for line in text.and_then(Value::as_str).unwrap_or_default().lines() {
        out.push_str(&format!("# {line}\n"));
    }
}

/// Texts, numbers, booleans and lists of them are written alike in JSON and TOML.
fn toml(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", "))
        }
        Value::Number(number) => number.as_u64().map_or_else(|| number.to_string(), underscored),
        other => other.to_string(),
    }
}

fn underscored(n: u64) -> String {
    let digits = n.to_string();
    if digits.len() < 6 {
        return digits;
    }
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('_');
        }
        out.push(digit);
    }
    out
}
