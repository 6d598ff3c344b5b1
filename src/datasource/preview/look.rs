//! What would be sent.

use serde_json::{Map, Value};

use crate::{
    datasource::{
        DataSources, Effect, Error,
        preview::masked,
        saved::{Place, Saved, Source},
        settings::Secrets,
        sql::{Dialect, Statement},
    },
    engine::resolve_inputs,
    ids::{DataQueryId, TenantId},
};

/// A saved query with inputs, as it would be run.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    /// Of the query.
    pub title: String,
    /// Whether it can change anything.
    pub effect: Effect,
    /// With their defaults, as the definitions want them.
    pub inputs: Map<String, Value>,
    /// What would be sent.
    pub would: Would,
}

/// What would be sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Would {
    /// To a database.
    Statement {
        /// With the placeholders of the database.
        statement: String,
        /// Bound to them, in order.
        parameters: Vec<Value>,
    },
    /// To a service, with `***` where there is a credential.
    Request {
        /// GET, POST, …
        method: String,
        /// The address.
        url: String,
        /// Name and value.
        headers: Vec<(String, String)>,
        /// As a text.
        body: Option<String>,
    },
    /// To the query service: the inputs.
    Service,
}

impl DataSources {
    /// What a saved query of the tenant would send; connects to nothing.
    /// [`Error::Foreign`]: the tenant has no such query, also when a query service may know it.
    pub async fn look(
        &self,
        tenant: &TenantId,
        query: &DataQueryId,
        inputs: &Map<String, Value>,
    ) -> Result<Looked, Error> {
        let saved = self.inner.load(tenant, query).await?.ok_or(Error::Foreign)?;
        let effect = saved.effect();
        let Saved { query, place } = saved;
        let given = Value::Object(inputs.clone());
        let inputs = resolve_inputs(&query.options, Some(&given)).map_err(Error::Inputs)?;
        let would = match &place {
            Place::At(source) => {
                let secrets = source.secrets(&self.inner.vault, tenant)?;
                would(source, &secrets, &query.options, &inputs)?
            }
            Place::Gone => return Err(Error::Unavailable("its data source was removed")),
            Place::Service => Would::Service,
        };
        Ok(Looked { title: query.title, effect, inputs, would })
    }
}

fn would(
    source: &Source,
    secrets: &Secrets,
    options: &Value,
    inputs: &Map<String, Value>,
) -> Result<Would, Error> {
    let dialect = match source.kind.as_str() {
        "postgresql" => Dialect::Postgres,
        "mysql" => Dialect::MySql,
        "sqlite" => Dialect::Sqlite,
        "http" => return masked::request(&source.options, secrets, options, inputs),
        _ => return Err(Error::Unavailable("its data source is of a kind that this hub does not know")),
    };
    let Statement { text: statement, params, .. } = Statement::build(dialect, options, inputs)?;
    let parameters = params.iter().map(|name| inputs.get(name).cloned().unwrap_or_default()).collect();
    Ok(Would::Statement { statement, parameters })
}
