//! A pool whose workers are the built hub, and the shortest way to run a script in it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use jethub::{
    config::sections,
    ids::TenantId,
    script::{Error, Kind, Output, Script, ScriptPool},
};
use serde_json::Value;

/// The hub's binary.
pub fn hub() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_jethub"))
}

pub fn settings() -> sections::Script {
    sections::Script { workers: 2, ..sections::Script::default() }
}

pub fn pool_of(settings: &sections::Script) -> ScriptPool {
    ScriptPool::with_program(settings, hub())
}

pub fn pool() -> ScriptPool {
    pool_of(&settings())
}

/// A function body of tenant `t`, limited to five seconds.
pub fn body(code: &str) -> Script {
    Script {
        tenant: TenantId::parse("t").unwrap(),
        code: Arc::from(code),
        ctx: Arc::from(r#"{"input":{"n":7},"list":[1,2,3]}"#),
        kind: Kind::Function,
        timeout: Some(Duration::from_secs(5)),
    }
}

pub fn expression(code: &str) -> Script {
    Script { kind: Kind::Expression, ..body(code) }
}

pub fn of_tenant(tenant: &str, code: &str) -> Script {
    Script { tenant: TenantId::parse(tenant).unwrap(), ..body(code) }
}

pub fn within(ms: u64, code: &str) -> Script {
    Script { timeout: Some(Duration::from_millis(ms)), ..body(code) }
}

pub async fn value(pool: &ScriptPool, code: &str) -> Value {
    match pool.run(body(code)).await {
        Ok(Output { value, .. }) => value,
        Err(error) => panic!("{code}: {error:?}"),
    }
}

/// Name and message of what a script threw, and whether its text is at fault.
pub async fn thrown(pool: &ScriptPool, code: &str) -> (Option<String>, String, bool) {
    match pool.run(body(code)).await {
        Err(Error::Thrown(thrown)) => (thrown.name, thrown.message, thrown.programming),
        other => panic!("{code}: {other:?}"),
    }
}
