//! A43 and `contract.md` 5.5: what a script sees and what becomes of its result.

use std::time::Duration;

use jethub::{
    error::{Code, Coded},
    script::{Error, Script},
};
use serde_json::{Value, json};

use super::rig::{body, expression, pool, thrown, value};

#[tokio::test]
async fn a_script_sees_its_context_and_gives_json() {
    let pool = pool();
    for (code, expected) in [
        ("return ctx.input.n + args.n", json!(14)),
        ("return args === ctx.input", json!(true)),
        ("return ctx.list.map((n) => n * 2)", json!([2, 4, 6])),
        ("return await Promise.resolve(5)", json!(5)),
        ("return new Promise((done) => Promise.resolve().then(() => done('late')))", json!("late")),
        ("return 1 // a comment at the end", json!(1)),
        ("/* */ return {a: 1} /* open", Value::Null),
        ("undeclared = 4; return undeclared", json!(4)),
        ("'use strict'; return this === undefined", json!(true)),
        ("return new Date(0).getHours() + ':' + new Date(0).getTimezoneOffset()", json!("0:0")),
        ("ctx.list.push(9); return ctx.list.length", json!(4)),
        ("return 'ä€😀\\u0000'", json!("ä€😀\0")),
        ("", Value::Null),
    ] {
        if code.contains("open") {
            assert_eq!(thrown(&pool, code).await.0.as_deref(), Some("SyntaxError"), "{code}");
            continue;
        }
        assert_eq!(value(&pool, code).await, expected, "{code}");
    }
}

/// A43: forty odd results. `None` is an error of the script; nothing harms the worker.
const ODD: &[(&str, Option<&str>)] = &[
    ("return undefined", Some("null")),
    ("return null", Some("null")),
    ("return [undefined, () => 1].slice(0, 1)", Some("[null]")),
    ("return {a: undefined, b: 1}", Some("{\"b\":1}")),
    ("return NaN", Some("null")),
    ("return [Infinity, -Infinity, -0]", Some("[null,null,0]")),
    ("return 10n ** 30n", Some("\"1000000000000000000000000000000\"")),
    ("return {a: [1n]}", Some("{\"a\":[\"1\"]}")),
    ("return () => 1", None),
    ("return {f() {}}", None),
    ("return class {}", None),
    ("return Symbol('x')", None),
    ("return {s: Symbol.iterator}", None),
    ("const a = []; a.push(a); return a", None),
    ("const o = {}; o.o = {o}; return o", None),
    ("return {get a() { return 1 }}", Some("{\"a\":1}")),
    ("return {get a() { throw new Error('no') }}", None),
    ("return {get a() { return {get b() { return 2 }} }}", Some("{\"a\":{\"b\":2}}")),
    ("return {toJSON() { return 'json' }}", Some("\"json\"")),
    ("return {toJSON() { throw 1 }}", None),
    ("return {toJSON() { return this }}", Some("ERROR")),
    ("return {toJSON() { return () => 1 }}", None),
    ("return new Proxy({a: 1}, {})", Some("{\"a\":1}")),
    ("return new Proxy({}, {ownKeys() { throw new Error('trap') }})", None),
    (
        "return new Proxy({}, {ownKeys: () => ['x', 'y'], getOwnPropertyDescriptor: () => ({enumerable: true, configurable: true}), get: (t, k) => k === 'toJSON' ? undefined : 'v'})",
        Some("{\"x\":\"v\",\"y\":\"v\"}"),
    ),
    (
        "return new Proxy([], {get: (t, k) => k === 'length' ? 3 : k === 'toJSON' ? undefined : 1})",
        Some("[1,1,1]"),
    ),
    ("const {proxy, revoke} = Proxy.revocable({}, {}); revoke(); return {proxy}", None),
    ("return new Date(0)", Some("\"1970-01-01T00:00:00.000Z\"")),
    ("return new Date(NaN)", Some("null")),
    ("return new Map([[1, 2]])", Some("{}")),
    ("return /x/g", Some("{}")),
    ("return new Error('x')", Some("{}")),
    ("return new Uint8Array([1, 2])", Some("{\"0\":1,\"1\":2}")),
    ("return new ArrayBuffer(50_000_000)", Some("{}")),
    (
        "const b = new ArrayBuffer(8), v = new Uint8Array(b); b.transfer(); return [v, v.length]",
        Some("[{},0]"),
    ),
    ("return '\\ud800 and \\udfff'", Some("\"\u{fffd} and \u{fffd}\"")),
    ("return {['\\ud800']: 1}", Some("{\"\u{fffd}\":1}")),
    ("return Object.create({inherited: 1})", Some("{}")),
    (
        "return JSON.parse('{\"__proto__\": {\"x\": 1}, \"constructor\": 2}')",
        Some("{\"__proto__\":{\"x\":1},\"constructor\":2}"),
    ),
    ("let o = {}; for (let i = 0; i < 200; i++) o = {o}; return o", None),
    ("let o = {}; for (let i = 0; i < 90; i++) o = {o}; return o.o.o.o", Some("ANY")),
    ("return 'x'.repeat(1024 * 1024)", None),
    ("return 'x'.repeat(1024 * 1024 - 2).length", Some("1048574")),
    ("return 'ä'.repeat(600_000)", None),
    ("return new Array(300_000)", None),
    (
        "JSON.stringify = () => 'fooled'; String.prototype.toWellFormed = null; Array.prototype.toJSON = undefined; return [1n]",
        Some("[\"1\"]"),
    ),
    ("Object.prototype.toJSON = function () { return 'mine' }; return {}", Some("\"mine\"")),
    ("return {then(done) { done('thenable') }}", Some("\"thenable\"")),
    ("return {then(done, fail) { fail('no') }}", None),
    ("return new Boolean(false)", Some("false")),
];

#[tokio::test]
async fn odd_results_are_json_or_an_error() {
    let pool = pool();
    for (code, expected) in ODD {
        match (pool.run(body(code)).await, expected) {
            (Err(Error::Thrown(thrown)), None) => assert!(!thrown.message.is_empty(), "{code}"),
            (Ok(_), Some("ANY")) => {}
            // The value it gives is the object itself again: {} without its function, or an error.
            (Err(Error::Thrown(_)), Some("ERROR")) => {}
            (Ok(output), Some(expected)) => {
                assert_eq!(output.value, serde_json::from_str::<Value>(expected).unwrap(), "{code}");
            }
            (other, expected) => panic!("{code}: {other:?}, expected {expected:?}"),
        }
    }
    assert_eq!(value(&pool, "return 'alive'").await, "alive");
}

#[tokio::test]
async fn errors_say_what_happened_and_whether_a_retry_can_help() {
    let pool = pool();
    for (code, name, message, programming) in [
        ("return 1 +", "SyntaxError", "line 2", true),
        ("\n\nlet let = 1", "SyntaxError", "line 3", true),
        ("return nothing.x", "ReferenceError", "nothing is not defined", true),
        ("return ctx.list.mapp()", "TypeError", "not a function", true),
        ("return utils.x", "ReferenceError", "utils is not defined", true),
        ("fetch('http://localhost')", "ReferenceError", "fetch is not defined", true),
        ("setTimeout(() => 1)", "ReferenceError", "setTimeout is not defined", true),
        ("return ctx.missing.x", "TypeError", "undefined", false),
        ("throw new RangeError('far')", "RangeError", "far", false),
        ("await Promise.reject(new Error('later'))", "Error", "later", false),
        ("const e = new Error('m'); e.name = 'Mine'; throw e", "Mine", "m", false),
        ("throw {name: 'N', message: 'object'}", "N", "object", false),
        ("throw 'text'", "", "the script threw text", false),
        ("throw 7n", "", "the script threw 7", false),
        ("throw null", "", "the script threw null", false),
        ("throw undefined", "", "the script threw undefined", false),
        ("throw {code: 5}", "", "{\"code\":5}", false),
        ("throw {get message() { throw 1 }}", "", "an object", false),
        ("throw new Proxy({}, {get() { throw 1 }})", "", "an object", false),
        ("await new Promise(() => {})", "", "a promise that nothing settles", false),
        ("return import('fs')", "", "", false),
    ] {
        let told = thrown(&pool, code).await;
        if code.contains("import") {
            continue;
        }
        assert_eq!(told.0.unwrap_or_default(), name, "{code}");
        assert!(told.1.contains(message), "{code}: {}", told.1);
        assert_eq!(told.2, programming, "{code}");
    }
    let long = pool.run(body("throw new Error('x'.repeat(1e6))")).await.unwrap_err();
    assert_eq!(long.to_string().len(), 2048);
    assert_eq!(long.code(), Code::JsError);
}

#[tokio::test]
async fn the_console_is_kept_and_bounded() {
    let pool = pool();
    let run = async |code: &str| match pool.run(body(code)).await {
        Ok(output) => output.console,
        Err(error) => error.console().to_vec(),
    };
    assert_eq!(
        run("console.log('a', 1, {b: [2n]}, null, undefined); console.error(new TypeError('t'))").await,
        ["a 1 {\"b\":[\"2\"]} null undefined", "TypeError: t"]
    );
    assert_eq!(run("console.warn('before'); throw new Error('x')").await, ["before"]);
    assert_eq!(
        run("const o = {}; o.o = o; console.log(o, () => 1, Symbol('s'))").await,
        ["an object a function a symbol"]
    );
    let many = run("for (let i = 0; i < 1e5; i++) console.log('line', i)").await;
    assert_eq!(many.len(), 101);
    assert_eq!(many[100], "(99900 more lines)");
    let wide = run("for (let i = 0; i < 1e3; i++) console.log('x'.repeat(1e5))").await;
    assert!(wide.iter().map(String::len).sum::<usize>() < 20_000, "{}", wide.len());
    assert_eq!(run("console.log('\\ud800')").await, ["\u{fffd}"]);
    assert_eq!(run("console.log = 1; console = 2").await, Vec::<String>::new());
}

#[tokio::test]
async fn conditions_are_expressions() {
    let pool = pool();
    for (code, truthy) in [
        ("ctx.input.n > 5", true),
        ("ctx.input.n > 5;", true),
        ("ctx.input.n > 5; // why", true),
        ("\n  ctx.input.n\n  > 50\n", false),
        ("return ctx.input.n > 5", true),
        ("const n = ctx.input.n; return n > 5;", true),
        ("({a: 1}).a === 1", true),
        ("NaN", false),
        ("''", false),
        ("0n", false),
        ("[]", true),
        ("Promise.resolve(0)", false),
        ("'0'", true),
        ("undefined", false),
        ("", false),
    ] {
        let output = pool.run(expression(code)).await.unwrap_or_else(|error| panic!("{code}: {error:?}"));
        assert_eq!(output.truthy, truthy, "{code}");
    }
    for wrong in ["ctx.input.n >", "a b", "if (true) 1", "missing > 1"] {
        assert!(pool.run(expression(wrong)).await.is_err_and(|error| error.is_programming()), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_source_has_a_length_and_a_context_may_be_large() {
    let pool = pool();
    let error = pool.run(body(&"x".repeat(256 * 1024 + 1))).await.unwrap_err();
    assert_eq!((error.code(), error.is_programming()), (Code::JsError, true));
    let large = json!({ "input": { "rows": vec!["x".repeat(1000); 4000] } });
    let script = Script {
        ctx: large.to_string().into(),
        timeout: Some(Duration::from_secs(20)),
        ..body("return args.rows.length")
    };
    assert_eq!(pool.run(script).await.unwrap().value, 4000);
}
