//! What a handler is asked: who, in which tenant, with which fields.

use std::{collections::HashMap, net::IpAddr};

use actix_web::web;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Failure, Hub};
use crate::{
    auth::{By, Identity},
    error::Code,
    ids::{IdError, TenantId},
    store::tables::ListPage,
};

/// Most rows of one page.
const MAX_PAGE_SIZE: u32 = 500;

/// One request, after everything that is the same for all was checked.
pub struct Asked {
    /// The hub.
    pub hub: web::Data<Hub>,
    /// Who asks; `None` only on routes that admit everybody.
    pub identity: Option<Identity>,
    /// The tenant of the address, in which the route's permission was checked.
    pub tenant: Option<TenantId>,
    /// For log lines and the audit.
    pub request_id: String,
    /// Address of the client.
    pub ip: Option<IpAddr>,
    /// Parts of the address, decoded.
    pub path: HashMap<String, String>,
    /// The query, decoded; the first of equal names counts.
    pub query: HashMap<String, String>,
    /// The body: null when there is none.
    pub body: Value,
    /// The header `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// Whether the client asked for HTML.
    pub wants_html: bool,
}

impl Asked {
    /// Who asks.
    pub fn identity(&self) -> Result<&Identity, Failure> {
        self.identity.as_ref().ok_or_else(|| Failure::of(Code::TokenNotFound))
    }

    /// The tenant of the address.
    pub fn tenant(&self) -> Result<&TenantId, Failure> {
        self.tenant.as_ref().ok_or_else(|| Failure::of(Code::InvalidTenant))
    }

    /// An id of the address.
    pub fn id<T>(&self, name: &str, parse: fn(&str) -> Result<T, IdError>) -> Result<T, Failure> {
        parse(self.part(name)).map_err(|error| Failure::invalid(format!("{name}: {error}")))
    }

    /// A part of the address, as text.
    pub fn part(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }

    /// For the audit.
    pub fn by(&self) -> By {
        By {
            who: self.identity.as_ref().map_or_else(|| "nobody".to_owned(), |who| who.subject.clone()),
            request: Some(self.request_id.clone()),
            ip: self.ip.map(|ip| ip.to_string()),
        }
    }

    /// The body as a type of fields; unknown fields are ignored, a body that is no object is refused.
    pub fn fields<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        if !self.body.is_object() {
            return Err(Failure::invalid("the body must be a JSON object"));
        }
        T::deserialize(&self.body).map_err(|error| validation(&error))
    }

    /// As [`Asked::fields`], but a missing body is an empty object.
    pub fn optional_fields<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        if self.body.is_null() {
            self.body = Value::Object(serde_json::Map::new());
        }
        self.fields()
    }

    /// `page`, `pageSize` and `cursor` of the query.
    pub fn page(&self) -> Result<ListPage, Failure> {
        let default = ListPage::default();
        let number = |name: &str, most: u32, otherwise: u32| match self.query.get(name) {
            None => Ok(otherwise),
            Some(text) => match text.parse::<u32>() {
                Ok(number) if (1..=most).contains(&number) => Ok(number),
                Ok(_) | Err(_) => {
                    Err(Failure::validation(vec![(name.to_owned(), format!("must be 1 to {most}"))]))
                }
            },
        };
        Ok(ListPage {
            page: number("page", 1_000_000, default.page)?,
            page_size: number("pageSize", MAX_PAGE_SIZE, default.page_size)?,
            cursor: self.query.get("cursor").filter(|cursor| !cursor.is_empty()).cloned(),
        })
    }
}

/// The words of serde name the field and the rule; they never repeat more than a scalar of it.
fn validation(error: &serde_json::Error) -> Failure {
    let text = error.to_string();
    let field = text.split('`').nth(1).filter(|_| text.contains("field")).unwrap_or("body").to_owned();
    Failure::validation(vec![(field, text)])
}
