//! Saved queries and sources, as the drivers need them.

use std::pin::Pin;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Effect, Error, Reason, check, pool::Fingerprint, seal::Vault, settings::Secrets};
use crate::{
    ids::{DataQueryId, DataSourceId, TenantId},
    store::{
        Store,
        tables::{dataqueries, datasources},
    },
};

/// A saved query.
#[derive(Debug, Clone)]
pub(super) struct Query {
    pub title: String,
    pub source: Option<DataSourceId>,
    pub options: Value,
}

/// A saved source.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub id: DataSourceId,
    pub title: String,
    pub kind: String,
    pub options: Value,
    /// Its credentials, sealed.
    pub sealed: Option<String>,
}

impl Source {
    /// Another one after each change of what a connection depends on.
    pub fn fingerprint(&self) -> Fingerprint {
        let text = format!("{}\n{}\n{}", self.kind, self.options, self.sealed.as_deref().unwrap_or_default());
        Sha256::digest(text.as_bytes()).into()
    }

    /// Its credentials in the clear, for this one call.
    pub fn secrets(&self, vault: &Vault, tenant: &TenantId) -> Result<Secrets, Error> {
        let Some(sealed) = &self.sealed else { return Ok(Secrets::default()) };
        let opened = vault.unseal(tenant, self.id.as_str(), sealed);
        let plain = opened.map_err(|error| {
            log::error!(datasource_id = self.id.as_str(); "{error}");
            Error::failed(
                Reason::Login,
                "the stored credential of the data source cannot be read; save it again",
            )
        })?;
        let value: Value = serde_json::from_str(plain.expose()).unwrap_or_default();
        Ok(Secrets::of(&value))
    }
}

/// What a call is about, as it was saved at one moment.
pub(super) struct Saved {
    pub query: Query,
    pub place: Place,
}

/// Where a saved query is answered.
pub(super) enum Place {
    At(Source),
    /// Its source was removed.
    Gone,
    Service,
}

impl Saved {
    /// Another one after each change of what it would run, or of where.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut digest = Sha256::new();
        digest.update(self.query.options.to_string());
        digest.update(format!("\n{:?}\n", self.query.source));
        if let Place::At(source) = &self.place {
            digest.update(source.fingerprint());
        }
        digest.finalize().into()
    }

    /// What it can change. A removed source has no effect to fear, but what takes its place might.
    pub fn effect(&self) -> Effect {
        match &self.place {
            Place::At(source) => check::effect(&source.kind, &self.query.options),
            Place::Gone | Place::Service => Effect::MayWrite,
        }
    }
}

/// An answer to come.
pub(super) type Soon<'a, T> = Pin<Box<dyn Future<Output = Result<Option<T>, Error>> + Send + 'a>>;

/// Where saved things are: the store, or a test's table.
pub(super) trait Shelf: Send + Sync {
    /// A query of the tenant.
    fn query<'a>(&'a self, tenant: &'a TenantId, id: &'a DataQueryId) -> Soon<'a, Query>;
    /// A source of the tenant.
    fn source<'a>(&'a self, tenant: &'a TenantId, id: &'a DataSourceId) -> Soon<'a, Source>;
}

impl Shelf for Store {
    fn query<'a>(&'a self, tenant: &'a TenantId, id: &'a DataQueryId) -> Soon<'a, Query> {
        let (tenant, id) = (tenant.clone(), id.clone());
        Box::pin(async move {
            let row = self.read(move |connection| dataqueries::find(connection, &tenant, &id)).await?;
            Ok(row.map(|row| Query { title: row.title, source: row.datasource_id, options: row.options }))
        })
    }

    fn source<'a>(&'a self, tenant: &'a TenantId, id: &'a DataSourceId) -> Soon<'a, Source> {
        let (tenant, id) = (tenant.clone(), id.clone());
        Box::pin(async move {
            let row = self.read(move |connection| datasources::find(connection, &tenant, &id)).await?;
            Ok(row.map(|row| Source {
                id: row.datasource_id,
                title: row.title,
                kind: row.kind,
                options: row.options,
                sealed: row.secret,
            }))
        })
    }
}
