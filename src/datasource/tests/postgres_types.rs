//! Each type of PostgreSQL as JSON: the table of `sql/mod.rs`.

use serde_json::{Value, json};

use super::rig::{Postgres, Rig, open_settings};

#[tokio::test]
async fn every_type_has_its_form() {
    let Some(database) = Postgres::new() else { return };
    database.exec(
        "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TYPE pair AS (a int, b text); \
         CREATE DOMAIN even AS int CHECK (VALUE % 2 = 0); CREATE TYPE nested AS (p pair, m mood[])",
    );
    let rig = Rig::new(open_settings());
    let source = rig.source("postgresql", database.options(), json!({}));
    let cases: Vec<(&str, Value)> = vec![
        ("true", json!(true)),
        ("null::bool", json!(null)),
        ("(-32768)::smallint", json!(-32768)),
        ("2147483647", json!(2_147_483_647)),
        ("9007199254740992::bigint", json!(9_007_199_254_740_992_i64)),
        ("9007199254740993::bigint", json!("9007199254740993")),
        ("(-9223372036854775808)::bigint", json!("-9223372036854775808")),
        ("4294967295::oid", json!(4_294_967_295_u32)),
        ("0.1::real", json!(0.1)),
        ("1e-7::double precision", json!(1e-7)),
        ("'NaN'::float8", json!("NaN")),
        ("'Infinity'::float8", json!("Infinity")),
        ("'-Infinity'::real", json!("-Infinity")),
        ("12.50::numeric", json!(12.5)),
        ("0::numeric", json!(0)),
        ("10000::numeric", json!(10000)),
        ("100000000.0001::numeric", json!(100_000_000.000_1)),
        ("0.00012345::numeric", json!(0.000_123_45)),
        ("-0.5::numeric", json!(-0.5)),
        ("9007199254740993::numeric", json!("9007199254740993")),
        ("123456789012345678.123456789::numeric", json!("123456789012345678.123456789")),
        ("1e30::numeric", json!("1000000000000000000000000000000")),
        ("1e-20::numeric", json!(1e-20)),
        ("'NaN'::numeric", json!("NaN")),
        ("'-Infinity'::numeric", json!("-Infinity")),
        ("(-1234.5)::numeric::money", json!("-1234.50")),
        ("'text'::text", json!("text")),
        ("'été 🎉'::varchar", json!("été 🎉")),
        ("'a'::char(3)", json!("a  ")),
        ("'n'::name", json!("n")),
        ("'x'::\"char\"", json!("x")),
        ("'unknown'", json!("unknown")),
        ("'<a/>'::xml", json!("<a/>")),
        ("'7f000000-0000-0000-0000-000000000001'::uuid", json!("7f000000-0000-0000-0000-000000000001")),
        ("'{\"b\": [1, 2.50, null], \"a\": \"x\"}'::json", json!({ "b": [1, 2.5, null], "a": "x" })),
        ("'{\"a\": {\"b\": true}}'::jsonb", json!({ "a": { "b": true } })),
        ("'null'::jsonb", json!(null)),
        ("'\\x00ff10'::bytea", json!("AP8Q")),
        ("''::bytea", json!("")),
        ("'2026-02-28'::date", json!("2026-02-28")),
        ("'infinity'::date", json!("infinity")),
        ("'0044-03-15 BC'::date", json!("-000043-03-15")),
        ("'5874897-12-31'::date", json!("+5874897-12-31")),
        ("'10:30:00'::time", json!("10:30:00")),
        ("'23:59:59.999999'::time", json!("23:59:59.999999")),
        ("'24:00'::time", json!("24:00:00")),
        ("'10:30:00.5+02:30'::timetz", json!("10:30:00.5+02:30")),
        ("'2026-01-31 10:00:00.123456'::timestamp", json!("2026-01-31T10:00:00.123456")),
        ("'2026-01-31 10:00:00+02'::timestamptz", json!("2026-01-31T08:00:00Z")),
        ("'1969-12-31 23:59:59.5Z'::timestamptz", json!("1969-12-31T23:59:59.5Z")),
        ("'-infinity'::timestamptz", json!("-infinity")),
        ("'1 year 2 mons 3 days 04:05:06.7'::interval", json!("P1Y2M3DT4H5M6.7S")),
        ("'-1 day'::interval", json!("P-1D")),
        ("'0'::interval", json!("PT0S")),
        ("'192.168.0.1'::inet", json!("192.168.0.1")),
        ("'192.168.0.1/24'::inet", json!("192.168.0.1/24")),
        ("'10.0.0.0/8'::cidr", json!("10.0.0.0/8")),
        ("'10.0.0.1/32'::cidr", json!("10.0.0.1/32")),
        ("'::1'::inet", json!("::1")),
        ("'08:00:2b:01:02:03'::macaddr", json!("08:00:2b:01:02:03")),
        ("B'10110'", json!("10110")),
        ("''::varbit", json!("")),
        ("ARRAY[1, null, 3]", json!([1, null, 3])),
        ("ARRAY[[1, 2], [3, 4]]", json!([[1, 2], [3, 4]])),
        ("'{}'::text[]", json!([])),
        ("ARRAY['a,b', null, '\"']", json!(["a,b", null, "\""])),
        ("ARRAY[1.5::numeric, 'NaN']", json!([1.5, "NaN"])),
        ("ARRAY['{\"a\":1}'::jsonb]", json!([{ "a": 1 }])),
        ("'[5:6]={1,2}'::int[]", json!([1, 2])),
        ("'sad'::mood", json!("sad")),
        ("ARRAY['sad', 'ok']::mood[]", json!(["sad", "ok"])),
        ("4::even", json!(4)),
        ("ROW(1, 'x')::pair", json!({ "a": 1, "b": "x" })),
        (
            "ROW(ROW(1, null)::pair, ARRAY['ok']::mood[])::nested",
            json!({ "p": { "a": 1, "b": null }, "m": ["ok"] }),
        ),
        ("ARRAY[ROW(1, 'x')::pair]", json!([{ "a": 1, "b": "x" }])),
        ("ROW(1, 'x'::text, null::int)", json!([1, "x", null])),
        ("'[1,10)'::int4range", json!("[1,10)")),
        ("'empty'::int4range", json!("empty")),
        ("'(,5]'::numrange", json!("(,5]")),
        ("'[2026-01-01,)'::daterange", json!("[2026-01-01,)")),
        ("'{[1,3),[5,7)}'::int4multirange", json!("{[1,3),[5,7)}")),
        ("pg_sleep(0)", json!(null)),
        // Not read here: the server writes them.
        ("'(1,2)'::point", json!("(1,2)")),
        ("'a & b'::tsquery", json!("'a' & 'b'")),
        ("to_tsvector('simple', 'b a')", json!("'a':2 'b':1")),
        ("'16/B374D848'::pg_lsn", json!("16/B374D848")),
        ("ARRAY['(1,2)'::point]", json!("{\"(1,2)\"}")),
        ("'pg_class'::regclass", json!("pg_class")),
        ("'$.a'::jsonpath", json!("$.\"a\"")),
    ];
    for (sql, expected) in cases {
        assert_eq!(rig.one(&source, &format!("SELECT {sql} AS v")).await, expected, "{sql}");
    }
    let exact = json!({ "query": "SELECT 1.50::numeric AS a, 7::bigint AS b, 7 AS c, ARRAY[1::bigint] AS d", "exactNumbers": true });
    let answer = rig.ask(&source, exact, json!({})).await.unwrap();
    assert_eq!(answer["result"][0], json!({ "a": "1.50", "b": "7", "c": 7, "d": ["1"] }));
    // What the server writes keeps its place, its name and its parameters.
    let mixed = json!({ "query": "SELECT {{x}}::int AS n, '(1,2)'::point AS p, 1 AS n -- end" });
    let answer = rig.ask(&source, mixed, json!({ "x": 5 })).await.unwrap();
    assert_eq!(answer["result"], json!([{ "n": 5, "p": "(1,2)", "n_2": 1 }]));
    assert_eq!(rig.one(&source, "SHOW server_encoding").await, json!("UTF8"));
    assert_eq!(rig.rows(&source, "VALUES (1, 'a'), (2, 'b')").await.len(), 2);
    assert_eq!(rig.rows(&source, "SELECT 1 WHERE false").await, Vec::<Value>::new());
}
