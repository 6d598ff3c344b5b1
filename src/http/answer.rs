//! What a handler answers.

use actix_web::{HttpResponse, http::StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Failure, problem::API};
use crate::{error::Code, store::tables::Listed};

/// A good answer.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Fields(Map<String, Value>),
    Text(&'static str, String),
}

impl Answer {
    /// 200 with one field.
    pub fn field(name: &str, value: &impl Serialize) -> Result<Self, Failure> {
        Self::empty().and(name, value)
    }

    /// 200 with nothing but its success.
    pub fn empty() -> Self {
        Self { status: StatusCode::OK, body: Body::Fields(Map::new()) }
    }

    /// 200 with the fields of an object.
    pub fn object(value: &impl Serialize) -> Result<Self, Failure> {
        match serde_json::to_value(value) {
            Ok(Value::Object(fields)) => Ok(Self { status: StatusCode::OK, body: Body::Fields(fields) }),
            Ok(_) | Err(_) => Err(Failure::of(Code::ServerError)),
        }
    }

    /// 200 with a document.
    pub fn text(content_type: &'static str, text: String) -> Self {
        Self { status: StatusCode::OK, body: Body::Text(content_type, text) }
    }

    /// A further field.
    pub fn and(mut self, name: &str, value: &impl Serialize) -> Result<Self, Failure> {
        let value = serde_json::to_value(value).map_err(|_| Failure::of(Code::ServerError))?;
        if let Body::Fields(fields) = &mut self.body {
            fields.insert(name.to_owned(), value);
        }
        Ok(self)
    }

    /// Something was created.
    #[must_use]
    pub fn created(self) -> Self {
        Self { status: StatusCode::CREATED, ..self }
    }

    /// With another status.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The answer to a request for `path`; under `/api/v1` it says `success` (`contract.md` 6.1).
    pub(super) fn response(self, path: &str) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        match self.body {
            Body::Text(content_type, text) => response.content_type(content_type).body(text),
            Body::Fields(mut fields) => {
                if path.starts_with(API) {
                    fields.insert("success".to_owned(), Value::Bool(true));
                }
                response.content_type("application/json").body(Value::Object(fields).to_string())
            }
        }
    }
}

/// A part of a list as pages read it (`contract.md` 6.3), with the additive cursor.
pub(super) fn listed<T: Serialize>(
    name: &str,
    part: &Listed<T>,
    page: u32,
    page_size: u32,
) -> Result<Answer, Failure> {
    let pages = part.total.max(0).unsigned_abs().div_ceil(u64::from(page_size.max(1)));
    Answer::field(name, &part.rows)?
        .and("totalCount", &part.total)?
        .and("totalPages", &pages)?
        .and("page", &page)?
        .and("pageSize", &page_size)?
        .and("nextCursor", &part.next_cursor)
}
