//! What may be saved, and what is sent (`faults.md` A53).

use serde_json::{Map, Value, json};

use crate::datasource::{
    check_query, check_source,
    sql::{Dialect, Statement},
};

fn codes(kind: &str, sql: &str) -> Vec<&'static str> {
    check_query(kind, &json!({ "query": sql, "readOnly": false }))
        .iter()
        .map(|problem| problem.code)
        .collect()
}

fn sent(dialect: Dialect, sql: &str, inputs: Value) -> (String, Vec<String>) {
    let inputs: Map<String, Value> = inputs.as_object().cloned().unwrap_or_default();
    let statement = Statement::build(dialect, &json!({ "query": sql, "readOnly": false }), &inputs);
    let statement = statement.unwrap_or_else(|error| panic!("{sql}: {error}"));
    (statement.text, statement.params)
}

#[test]
fn templates_become_placeholders() {
    let sql = "SELECT * FROM t WHERE a = {{a}} AND b > {{ b }} AND c = {{a}};  -- end";
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        sent(Dialect::Postgres, sql, json!({})),
        ("SELECT * FROM t WHERE a = $1 AND b > $2 AND c = $1".to_owned(), names(&["a", "b"]))
    );
    assert_eq!(
        sent(Dialect::Sqlite, sql, json!({})),
        ("SELECT * FROM t WHERE a = ?1 AND b > ?2 AND c = ?1".to_owned(), names(&["a", "b"]))
    );
    assert_eq!(
        sent(Dialect::MySql, sql, json!({})),
        ("SELECT * FROM t WHERE a = ? AND b > ? AND c = ?".to_owned(), names(&["a", "b", "a"]))
    );
}

#[test]
fn the_text_does_not_depend_on_any_value() {
    let payloads = [
        "' OR 1=1 --",
        "'; DROP TABLE t; --",
        "\" OR \"\"=\"",
        "1; SELECT pg_sleep(10)",
        "/* */",
        "\u{2019} OR 1=1",
        "\u{ff07}",
        "%' OR '1'='1",
        "\\' OR 1=1 -- ",
        "{{a}}",
        "$1",
        "?",
        "\u{0000}",
        "0x27",
        "' UNION SELECT password FROM users --",
    ];
    for dialect in [Dialect::Postgres, Dialect::MySql, Dialect::Sqlite] {
        let sql = "SELECT * FROM t WHERE a LIKE {{a}} AND b IN (SELECT {{b}})";
        let constant = sent(dialect, sql, json!({}));
        for payload in payloads {
            assert_eq!(
                sent(dialect, sql, json!({ "a": payload, "b": [payload, payload] })),
                constant,
                "{payload}"
            );
        }
    }
}

#[test]
fn a_template_elsewhere_is_refused_when_it_is_saved() {
    for (kind, sql, code) in [
        ("postgresql", "SELECT '{{a}}'", "template_in_text"),
        ("postgresql", "SELECT E'x\\'{{a}}'", "template_in_text"),
        ("postgresql", "SELECT $$ {{a}} $$", "template_in_text"),
        ("postgresql", "SELECT $tag$ {{a}} $tag$", "template_in_text"),
        ("postgresql", "SELECT \"{{a}}\" FROM t", "template_as_name"),
        ("postgresql", "SELECT 1 -- {{a}}\n", "template_in_comment"),
        ("postgresql", "SELECT 1 /* /* {{a}} */ */", "template_in_comment"),
        ("postgresql", "SELECT * FROM {{t}}", "template_as_name"),
        ("postgresql", "SELECT * FROM a JOIN {{t}} ON true", "template_as_name"),
        ("postgresql", "INSERT INTO {{t}} VALUES (1)", "template_as_name"),
        ("postgresql", "SELECT * FROM t ORDER BY {{c}}", "template_as_name"),
        ("postgresql", "SELECT * FROM t GROUP BY {{c}}", "template_as_name"),
        ("postgresql", "SELECT t.{{c}} FROM t", "template_as_name"),
        ("postgresql", "SELECT {{t}}.c FROM t", "template_as_name"),
        ("postgresql", "SELECT col_{{a}} FROM t", "template_in_name"),
        ("postgresql", "SELECT {{a}}x", "template_in_name"),
        ("postgresql", "SELECT {{a", "template"),
        ("postgresql", "SELECT {{a.b}}", "template"),
        ("postgresql", "SELECT {{ctx.x}}", "template"),
        ("postgresql", "SELECT {{1}}", "template"),
        ("postgresql", "SELECT {{}}", "template"),
        ("postgresql", "SELECT $1", "placeholder"),
        ("postgresql", "SELECT 1; SELECT 2", "several_statements"),
        ("postgresql", "SELECT 1; -- x\n DROP TABLE t", "several_statements"),
        ("postgresql", "SELECT 'open", "unfinished"),
        ("postgresql", "SELECT /* open", "unfinished"),
        ("postgresql", "COPY t TO PROGRAM 'id'", "statement"),
        ("postgresql", "SET ROLE postgres", "statement"),
        ("postgresql", "DO $$ BEGIN END $$", "statement"),
        ("postgresql", "COMMIT", "statement"),
        ("postgresql", "DROP TABLE t", "statement"),
        ("postgresql", "SELECT lo_import('/etc/passwd')", "forbidden"),
        ("postgresql", "SELECT \"pg_read_file\"('/etc/passwd')", "forbidden"),
        ("mysql", "SELECT \"{{a}}\"", "template_in_text"),
        ("mysql", "SELECT 'a\\'{{a}}'", "template_in_text"),
        ("mysql", "SELECT `{{a}}` FROM t", "template_as_name"),
        ("mysql", "SELECT 1 # {{a}}", "template_in_comment"),
        ("mysql", "SELECT /*!50000 1 */", "executable_comment"),
        ("mysql", "SELECT ?", "placeholder"),
        ("mysql", "SELECT :name", "placeholder"),
        ("mysql", "SELECT 1 INTO OUTFILE '/tmp/x'", "forbidden"),
        ("mysql", "SELECT LOAD_FILE('/etc/passwd')", "forbidden"),
        ("mysql", "LOAD DATA INFILE 'x' INTO TABLE t", "statement"),
        ("mysql", "SET GLOBAL x = 1", "statement"),
        ("sqlite", "SELECT [{{a}}]", "template_as_name"),
        ("sqlite", "SELECT ?1", "placeholder"),
        ("sqlite", "SELECT :a", "placeholder"),
        ("sqlite", "SELECT @a", "placeholder"),
        ("sqlite", "SELECT $a", "placeholder"),
        ("sqlite", "ATTACH 'x' AS y", "statement"),
        ("sqlite", "PRAGMA writable_schema = 1", "statement"),
        ("sqlite", "SELECT load_extension('x')", "forbidden"),
        ("sqlite", "", "missing"),
        ("sqlite", "SELECT\0 1", "unfinished"),
    ] {
        let found = codes(kind, sql);
        assert!(found.contains(&code), "{kind} {sql}: {found:?}");
        let problems = check_query(kind, &json!({ "query": sql }));
        assert!(problems.iter().all(|problem| !problem.hint.is_empty() || problem.code == "type"), "{sql}");
    }
}

#[test]
fn a_value_may_stand_wherever_the_database_takes_one() {
    for (kind, sql) in [
        ("postgresql", "SELECT EXTRACT(year FROM {{d}}::timestamptz)"),
        ("postgresql", "SELECT SUBSTRING({{s}} FROM 2)"),
        ("postgresql", "SELECT a IS DISTINCT FROM {{x}} FROM t"),
        ("postgresql", "SELECT * FROM t WHERE id = ANY({{ids}}) ORDER BY 1 LIMIT {{n}} OFFSET {{o}}"),
        ("postgresql", "SELECT '{}'::jsonb ? 'a', a$1 FROM t"),
        ("postgresql", "SELECT * FROM unnest({{ids}}::int[]) AS x"),
        ("postgresql", "WITH a AS (SELECT {{x}}::int AS y) SELECT * FROM a;"),
        ("postgresql", "(SELECT 1) UNION (SELECT {{x}})"),
        ("postgresql", "SELECT 'it''s', \"a\"\"b\", $$x'y$$, E'\\'' -- '\n, {{x}}"),
        ("mysql", "SELECT 'a''b', \"c\\\"d\", `e``f`, @x := {{x}} -- it's\n"),
        ("mysql", "SELECT 1--1"),
        ("sqlite", "SELECT * FROM json_each({{ids}})"),
        ("sqlite", "SELECT 'it''s' || {{x}}, [a b], \"c\" FROM t"),
    ] {
        assert_eq!(codes(kind, sql), Vec::<&str>::new(), "{kind} {sql}");
    }
    assert!(codes("postgresql", "SELECT a[1] FROM t WHERE b = '{{' || {{x}}").contains(&"template_in_text"));
}

#[test]
fn names_come_from_the_querys_own_list() {
    let options = json!({
        "query": "SELECT * FROM t ORDER BY {{by}} {{way}}, {{x}}::text",
        "identifiers": { "by": ["name", "s.created at"], "way": ["asc", "desc"] },
    });
    assert_eq!(check_query("postgresql", &options), []);
    let build = |inputs: Value| Statement::build(Dialect::Postgres, &options, inputs.as_object().unwrap());
    let statement = build(json!({ "by": "s.created at", "way": "desc", "x": 1 })).unwrap();
    assert_eq!(statement.text, "SELECT * FROM t ORDER BY \"s\".\"created at\" desc, $1::text");
    assert_eq!(statement.params, ["x"]);
    for by in [json!("name; DROP TABLE t"), json!("NAME"), json!(null), json!(["name"]), json!("")] {
        let error = build(json!({ "by": by, "way": "asc" })).unwrap_err();
        assert!(error.to_string().contains("must be one of name"), "{error}");
    }
    for bad in
        [json!([]), json!(["a\"b"]), json!(["a`b"]), json!("a"), json!([1]), json!(["a.b.c.d"]), json!([""])]
    {
        let options = json!({ "query": "SELECT 1 ORDER BY {{by}}", "identifiers": { "by": bad } });
        assert!(
            check_query("mysql", &options).iter().any(|problem| problem.code == "identifiers"),
            "{options}"
        );
    }
}

#[test]
fn other_faults_of_a_query_are_told() {
    let codes = |options: Value| {
        check_query("postgresql", &options)
            .into_iter()
            .map(|problem| (problem.path, problem.code))
            .collect::<Vec<_>>()
    };
    let defined =
        json!({ "query": "SELECT {{a}}, {{b}}", "inputDefinitions": [{ "key": "a", "type": "string" }] });
    assert_eq!(codes(defined), [("query".to_owned(), "unknown_input")]);
    assert_eq!(codes(json!({ "query": "DELETE FROM t" })), [("readOnly".to_owned(), "read_only")]);
    assert_eq!(codes(json!({ "query": "SELECT 1", "readOnly": "no" })), [("readOnly".to_owned(), "type")]);
    assert_eq!(
        codes(json!({ "query": "SELECT 1", "timeoutSeconds": 0 })),
        [("timeoutSeconds".to_owned(), "type")]
    );
    assert_eq!(codes(json!({ "query": "SELECT 1", "timeoutSeconds": 60 })), []);
    assert_eq!(check_query("oracle", &json!({}))[0].code, "kind");
    assert_eq!(check_source("oracle", &json!({}))[0].code, "kind");
    assert_eq!(check_source("postgresql", &json!({})).len(), 3);
    let good = json!({ "host": "db", "database": "d", "user": "u", "port": "5432", "tls": "require" });
    assert_eq!(check_source("mysql", &good), []);
    for (key, value) in [
        ("host", json!("a/b")),
        ("host", json!("a,b")),
        ("host", json!("u@h")),
        ("port", json!(0)),
        ("port", json!("x")),
        ("tls", json!("prefer")),
        ("url", json!("postgresql://x")),
    ] {
        let mut bad = good.clone();
        bad[key] = value;
        assert_eq!(check_source("postgresql", &bad).len(), 1, "{bad}");
    }
    for file in ["../x", "/etc/passwd", "a/../b", "", ".", "file:x?mode=rw", "x?vfs=y", "a/./../b"] {
        assert_eq!(check_source("sqlite", &json!({ "file": file })).len(), 1, "{file}");
    }
    assert_eq!(check_source("sqlite", &json!({ "file": "shop/sales.db" })), []);
}

#[tokio::test]
async fn what_a_query_is_saved_as_says_whether_it_can_change_anything() {
    use super::rig::{Rig, tenant};
    use crate::{
        config::sections::DataSource,
        datasource::Effect,
        ids::{DataQueryId, DataSourceId, TenantId},
    };
    let rig = Rig::new(DataSource::default());
    let (reads, writes) = (Effect::Reads, Effect::MayWrite);
    for (kind, options, expected) in [
        ("postgresql", json!({ "query": "SELECT 1" }), reads),
        ("mysql", json!({ "query": "SELECT 1", "readOnly": true }), reads),
        ("sqlite", json!({ "query": "SELECT 1", "readOnly": null }), reads),
        // It is run in a transaction that only reads, which refuses it.
        ("postgresql", json!({ "query": "WITH x AS (DELETE FROM t RETURNING 1) SELECT 1" }), reads),
        ("postgresql", json!({ "query": "SELECT f()", "readOnly": false }), writes),
        ("sqlite", json!({ "query": "SELECT 1", "readOnly": false }), writes),
        ("http", json!({ "path": "/a" }), reads),
        ("http", json!({ "path": "/a", "method": "HEAD" }), reads),
        ("http", json!({ "path": "/a", "method": "POST" }), writes),
        ("http", json!({ "path": "/a", "method": "get" }), writes),
        ("http", json!({ "path": "/a", "method": 7 }), writes),
        ("oracle", json!({ "query": "SELECT 1" }), writes),
    ] {
        let query = rig.query(&rig.source(kind, json!({}), json!({})), options.clone());
        let found = rig.sources.effect(&tenant(), &query).await.unwrap();
        assert_eq!(found, Some(expected), "{kind} {options}");
        let foreign = rig.sources.effect(&TenantId::trusted("t2"), &query).await.unwrap();
        assert_eq!(foreign, None, "that of another tenant is none");
    }
    let of_service = rig.query_of(&tenant(), None, json!({}));
    assert_eq!(rig.sources.effect(&tenant(), &of_service).await.unwrap(), Some(writes));
    let orphan = rig.query_of(&tenant(), Some(&DataSourceId::generate()), json!({ "query": "SELECT 1" }));
    assert_eq!(rig.sources.effect(&tenant(), &orphan).await.unwrap(), Some(writes));
    assert_eq!(rig.sources.effect(&tenant(), &DataQueryId::generate()).await.unwrap(), None);
}
