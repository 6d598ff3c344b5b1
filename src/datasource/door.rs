//! The door: a query goes in, its answer comes out.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use serde_json::{Map, Value};

use super::{Error, Vault};
use crate::{
    clock::Clock,
    config::sections as config,
    ids::{DataQueryId, NodeId, RunId, TenantId},
    outbound::Outbound,
    store::Store,
};

/// One query to run.
#[derive(Debug, Clone)]
pub struct QueryCall {
    /// Whose; the query must be this tenant's.
    pub tenant: TenantId,
    /// Which.
    pub query: DataQueryId,
    /// Its inputs, not yet checked against its definitions.
    pub inputs: Map<String, Value>,
    /// The run that asks, if one does.
    pub run: Option<RunId>,
    /// Its node.
    pub node: Option<NodeId>,
    /// The same for each repetition of this attempt.
    pub idempotency_key: Option<Arc<str>>,
    /// Longest time; `datasource.timeout` and the query's own may be shorter.
    pub timeout: Duration,
}

/// What the door is built on.
#[derive(Clone)]
pub struct Parts {
    /// `[datasource]`.
    pub settings: config::DataSource,
    /// The hub's own database: no source may name it.
    pub own: config::Database,
    /// The state directory: it holds the key, and no source's file.
    pub state_dir: PathBuf,
    /// Rows of sources and queries.
    pub store: Store,
    /// The HTTP client.
    pub outbound: Outbound,
    /// The time.
    pub clock: Clock,
}

/// Runs saved queries. Cheap to clone; the clones share their pools.
#[derive(Clone)]
pub struct DataSources {
    inner: Arc<Inner>,
}

struct Inner {
    vault: Vault,
}

impl fmt::Debug for DataSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataSources").finish_non_exhaustive()
    }
}

impl DataSources {
    /// Reads the key of the credentials, or makes it; connects to nothing yet.
    pub fn new(parts: Parts) -> Result<Self, super::seal::KeyError> {
        let vault = Vault::open(&parts.settings, &parts.state_dir)?;
        Ok(Self { inner: Arc::new(Inner { vault }) })
    }

    /// What seals credentials before they are stored.
    pub fn vault(&self) -> &Vault {
        &self.inner.vault
    }

    /// Runs a saved query of the tenant. Dropping the future stops it at its server.
    pub async fn run(&self, _call: QueryCall) -> Result<Value, Error> {
        Err(Error::Unavailable("this hub has no drivers yet"))
    }

    /// Connects to a source that may not be saved yet: `{ latencyMs, server }`, or why not.
    /// `secrets` are its credentials in the clear.
    pub async fn test(&self, _kind: &str, _options: &Value, _secrets: &Value) -> Result<Value, Error> {
        Err(Error::Unavailable("this hub has no drivers yet"))
    }

    /// Takes no further query and closes what is open.
    pub async fn close(&self) {}
}
