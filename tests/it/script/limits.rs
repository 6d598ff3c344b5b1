//! F39, F40: scripts that never end and scripts that want everything.

use std::time::{Duration, Instant};

use jethub::{
    config::{Size, sections},
    error::{Code, Coded},
    script::Error,
};

use super::rig::{pool_of, settings, value, within};

/// F39: none of these may outlive its limit by more than 200 ms. Those of the second half ignore the
/// engine's interrupt (`dependencies.md` 4.3) and end with their process.
const ENDLESS: &[&str] = &[
    "while (true) {}",
    "for (;;) { try { while (true) {} } catch {} finally { continue } }",
    "const again = () => { try { again() } catch { again() } }; again(); while (true) again()",
    "while (true) await null",
    "const again = () => Promise.resolve().then(again); return again()",
    "return new Promise((done) => { const f = () => { Promise.resolve().then(f) }; f() })",
    "return /^(a+)+$/.test('a'.repeat(50) + 'b')",
    "return /(x+x+)+y/.exec('x'.repeat(100))",
    "return Array.prototype.indexOf.call({length: 2 ** 53 - 1}, 1)",
    "return new Proxy({}, {get() { while (true) {} }}).x",
    "return {get a() { while (true) {} }}",
    "return {toJSON() { while (true) {} }}",
    "throw {get message() { while (true) {} }}",
    "return new Array(1e9) + ''",
    "return [].concat(...Array(50).fill(new Array(1e8)))",
    "return Array.prototype.reverse.call({length: 2 ** 32 - 1})",
    "return Array.prototype.sort.call({length: 2 ** 32 - 1})",
    "return Array.prototype.unshift.call({length: 2 ** 53 - 2}, 1)",
    "return Array.prototype.copyWithin.call({length: 2 ** 53 - 1}, 0, 1)",
    "return new Array(1e8).toLocaleString()",
    "for (let i = 0; ; i++) console.log(i)",
    "function* f() { while (true) yield 1 } for (const x of f()) {}",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_script_ends_with_its_limit_and_the_next_runs_at_once() {
    const LIMIT: u64 = 200;
    let pool = pool_of(&settings());
    value(&pool, "return 1").await;
    let mut worst = Duration::ZERO;
    for code in ENDLESS {
        let begun = Instant::now();
        let error = pool.run(within(LIMIT, code)).await.unwrap_err();
        let took = begun.elapsed();
        assert!(
            matches!(error.code(), Code::JsTimeout)
                || (code.contains("1e8") && error.code() == Code::JsMemory),
            "{code}: {error:?}"
        );
        assert!(took < Duration::from_millis(LIMIT + 200), "{code}: {took:?}");
        worst = worst.max(took);
        let begun = Instant::now();
        value(&pool, "return 1").await;
        assert!(begun.elapsed() < Duration::from_millis(100), "after {code}: {:?}", begun.elapsed());
    }
    println!("{} endless scripts, limit {LIMIT} ms, the slowest took {worst:?}", ENDLESS.len());
}

/// F40.
const BOMBS: &[(&str, Code)] = &[
    ("return 'x'.repeat(2 ** 29)", Code::JsMemory),
    ("let s = 'x'; while (true) s += s", Code::JsMemory),
    ("const a = []; while (true) a.push(new Array(1000).fill(a.length))", Code::JsMemory),
    ("const a = []; while (true) a.push({})", Code::JsMemory),
    (
        "const a = []; try { while (true) a.push(new Array(1e5).fill(1)) } catch { while (true) a.push(new Array(1e5).fill(1)) }",
        Code::JsMemory,
    ),
    ("const m = new Map(); for (let i = 0; ; i++) m.set(i, 'x'.repeat(100) + i)", Code::JsMemory),
    ("const a = []; while (true) a.push(new Uint8Array(1e7).fill(1))", Code::JsMemory),
    ("return new Uint8Array(1e10)", Code::JsError),
    ("return new ArrayBuffer(4e9)", Code::JsError),
    ("return new Array(2e8).fill(1)", Code::JsMemory),
    ("return (2n ** 1000000n) ** 1000n", Code::JsError),
    ("let n = 2n; while (true) n *= n", Code::JsError),
    ("const f = () => f(); return f()", Code::JsError),
    ("const f = () => [1].map(f); return f()", Code::JsError),
    ("const o = {get a() { return this.a }}; return o.a", Code::JsError),
    ("return JSON.parse('['.repeat(1e5) + ']'.repeat(1e5))", Code::JsError),
    ("let o = {}; for (let i = 0; i < 1e5; i++) o = {o}; return o", Code::JsError),
    ("return new Function('return ' + '('.repeat(1e5) + ')'.repeat(1e5))", Code::JsError),
    ("return new RegExp('('.repeat(1e5) + ')'.repeat(1e5))", Code::JsError),
    (
        "const a = []; const f = async () => { a.push(new Array(1e4).fill(1)); await f() }; return f()",
        Code::JsMemory,
    ),
    ("const p = []; while (true) p.push(Promise.resolve().then(() => p))", Code::JsMemory),
    ("return 'x'.padEnd(2 ** 28) + 'y'.padEnd(2 ** 28)", Code::JsMemory),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bomb_is_an_error_and_the_hub_keeps_its_size() {
    let settings = sections::Script { memory: Size::mib(64), ..settings() };
    let pool = pool_of(&settings);
    value(&pool, "return 1").await;
    let (before, mut wrong) = (resident(), Vec::new());
    for (code, expected) in BOMBS {
        let error = pool.run(within(10_000, code)).await.unwrap_err();
        assert!(!matches!(error, Error::Died(_) | Error::Timeout(_)), "{code}: {error:?}");
        if error.code() != *expected {
            wrong.push(format!("{code}: {error:?}"));
        }
        value(&pool, "return 1").await;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let after = resident();
    assert!(after < before + before / 10 + 8_000_000, "{before} {after}");
    println!("{} bombs; resident memory {before} before, {after} after", BOMBS.len());
}

/// Resident bytes of this process and its children.
fn resident() -> usize {
    let pages = |pid: &str| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
        text.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0)
    };
    let own = pages("self") * 4096;
    let children: usize = super::pool::children().iter().map(|pid| pages(pid) * 4096).sum();
    own + children
}
