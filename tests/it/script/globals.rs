//! A41, A42: what there is, and that nothing of a script is there for the next one.

use serde_json::json;

use super::rig::{of_tenant, pool, value};

/// A41: the keys of the global object. Whoever changes the engine's version changes this list, with
/// open eyes.
const GLOBALS: &str = include_str!("globals.txt");

#[tokio::test]
async fn the_global_object_is_the_list() {
    let pool = pool();
    let keys = value(&pool, "return Object.getOwnPropertyNames(globalThis).sort()").await;
    let keys: Vec<String> = serde_json::from_value(keys).unwrap();
    let listed: Vec<&str> = GLOBALS.lines().collect();
    assert_eq!(keys, listed, "tests/it/script/globals.txt");
}

#[tokio::test]
async fn what_reaches_outside_is_absent() {
    let pool = pool();
    let names = "std os require module exports process Deno Bun Worker SharedArrayBuffer Atomics WebAssembly fetch XMLHttpRequest WebSocket setTimeout setInterval setImmediate performance navigator scriptArgs print load loadScript gc __loadScript bjson";
    for name in names.split(' ') {
        let code = format!("return [typeof {name}, '{name}' in globalThis]");
        assert_eq!(value(&pool, &code).await, json!(["undefined", false]), "{name}");
    }
    for code in ["import('std')", "import('fs')", "import('/etc/passwd')", "eval('import(\"os\")')"] {
        let code = format!("try {{ await {code}; return 'loaded' }} catch {{ return 'refused' }}");
        assert_eq!(value(&pool, &code).await, "refused", "{code}");
    }
    // The constructor's constructor is there, and reaches the same poor world.
    let escape = "return [].constructor.constructor('return [typeof process, typeof require, typeof std]')()";
    assert_eq!(value(&pool, escape).await, json!(["undefined", "undefined", "undefined"]));
}

#[tokio::test]
async fn nothing_is_left_for_the_next_script() {
    let pool = pool();
    let dirty = r"
        globalThis.canary = 1; Object.prototype.canary = 2; Array.prototype.map = () => 'mine';
        JSON.stringify = () => '3'; Promise.prototype.then = null; ctx.canary = 4; args.canary = 5;
        Object.defineProperty(globalThis, 'ctx', {value: 6}); console.log = 7; return 'done'";
    let look = "return [typeof canary, {}.canary, [1].map((n) => n + 1), ctx.canary, args.canary, typeof console.log]";
    for (first, second) in [("a", "a"), ("a", "b"), ("b", "a")] {
        assert_eq!(pool.run(of_tenant(first, dirty)).await.unwrap().value, "done");
        let seen = pool.run(of_tenant(second, look)).await.unwrap().value;
        assert_eq!(seen, json!(["undefined", null, [2], null, null, "function"]));
    }
}

/// libpq and QuickJS both bring a `unicode_normalize` (.cargo/config.toml): this is QuickJS's.
#[tokio::test]
async fn texts_are_normalized_by_the_engine_itself() {
    let pool = pool();
    let code = r"return ['\u00e9'.normalize('NFD').length, 'e\u0301'.normalize().length, 'e\u0301'.localeCompare('\u00e9')]";
    assert_eq!(value(&pool, code).await, json!([2, 1, 0]));
}
