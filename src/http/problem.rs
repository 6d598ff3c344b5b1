//! A refused request: one code, said in the form of its address. Under `/api/v1` the envelope that
//! pages read (`contract.md` 6.1), elsewhere problem JSON (RFC 9457); the codes are the same.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use serde_json::{Value, json};

use crate::error::{Class, Code, Coded};

/// Under this prefix errors wear the envelope of the contract.
pub(super) const API: &str = "/api/v1";

/// Why a request was not carried out.
#[derive(Debug)]
pub struct Failure {
    code: Code,
    status: u16,
    message: String,
    details: Option<Box<Value>>,
    allow: Option<Box<str>>,
    retry_after: Option<u32>,
    /// The rest of the connection cannot be trusted or is not worth reading.
    close: bool,
    /// Words for the log only.
    cause: Option<Box<str>>,
}

impl<E: Coded> From<E> for Failure {
    fn from(error: E) -> Self {
        let code = error.code();
        let cause = (code.class() != Class::Client).then(|| chain(&error).into());
        Self { cause, ..Self::new(code, error.public_message()) }
    }
}

/// An error with its sources, for the log.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}

impl Failure {
    /// With words for the client.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let retry_after = match code {
            Code::Draining => Some(5),
            Code::RateLimited => Some(60),
            _ if code.class() == Class::Unavailable => Some(1),
            _ => None,
        };
        Self {
            code,
            status: code.status(),
            message: message.into(),
            details: None,
            allow: None,
            retry_after,
            close: false,
            cause: None,
        }
    }

    /// With the code's own meaning as words.
    pub fn of(code: Code) -> Self {
        Self::new(code, code.row().meaning)
    }

    /// A malformed request.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidRequest, message)
    }

    /// Fields that are not valid: `path: text` each (`contract.md` 6.1).
    pub fn validation(issues: Vec<(String, String)>) -> Self {
        let message =
            issues.iter().map(|(path, text)| format!("{path}: {text}")).collect::<Vec<_>>().join("; ");
        let issues: Vec<Value> =
            issues.into_iter().map(|(path, text)| json!({ "path": path, "message": text })).collect();
        Self::new(Code::ValidationError, message).with_details(json!({ "issues": issues }))
    }

    /// Nothing is at this address.
    pub(super) fn unknown_address() -> Self {
        Self { status: 404, ..Self::invalid("nothing is at this address; GET / says what there is") }
    }

    /// The address does not know the method, but these.
    pub(super) fn method(allow: String) -> Self {
        Self { allow: Some(allow.into()), close: true, ..Self::of(Code::MethodNotAllowed) }
    }

    /// The body did not arrive in time.
    pub(super) fn too_slow() -> Self {
        Self { status: 408, close: true, ..Self::invalid("the body took too long to arrive") }
    }

    /// Closes the connection after the answer: its body is left unread.
    #[must_use]
    pub(super) fn and_close(self) -> Self {
        Self { close: true, ..self }
    }

    /// Adds `error.details` (the envelope) or members (a problem).
    #[must_use]
    pub fn with_details(self, details: Value) -> Self {
        Self { details: Some(Box::new(details)), ..self }
    }

    /// A missing subject says the same however it is missing: foreign, deleted or never there.
    #[must_use]
    pub(super) fn evened(self) -> Self {
        if self.status == 404 && self.code.status() == 404 { Self::of(self.code) } else { self }
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Words for the log.
    pub(super) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The answer to a request for `path`.
    pub(super) fn response(&self, path: &str, request_id: &str) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        if let Some(allow) = &self.allow {
            response.insert_header((header::ALLOW, &**allow));
        }
        if let Some(seconds) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        if self.status == 401 {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        if self.close {
            response.force_close();
        }
        if path.starts_with(API) {
            return response.content_type("application/json").body(self.envelope(request_id).to_string());
        }
        response.content_type("application/problem+json").body(self.problem(request_id).to_string())
    }

    fn envelope(&self, request_id: &str) -> Value {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let (Some(details), Some(error)) = (&self.details, error.as_object_mut()) {
            error.insert("details".to_owned(), Value::clone(details));
        }
        json!({ "success": false, "error": error, "requestID": request_id })
    }

    fn problem(&self, request_id: &str) -> Value {
        let mut problem = json!({
            "type": format!("urn:jethub:error:{}", self.code),
            "title": self.code.row().meaning,
            "status": self.status,
            "detail": self.message,
            "code": self.code,
            "requestID": request_id,
        });
        if let (Some(details), Some(problem)) = (&self.details, problem.as_object_mut()) {
            problem.insert("details".to_owned(), Value::clone(details));
        }
        problem
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::Seq, ids::StreamId, store};

    #[test]
    fn the_words_of_the_store_stay_in_the_log() {
        let error = store::Error::Corrupted { stream: StreamId::trusted("run:secret"), seq: Seq(1) };
        let failure = Failure::from(error);
        for text in [failure.envelope("r").to_string(), failure.problem("r").to_string()] {
            assert!(!text.contains("secret"), "{text}");
        }
        assert!(failure.cause().is_some_and(|cause| cause.contains("secret")));
    }

    #[test]
    fn both_forms_carry_the_same_code() {
        let failure = Failure::validation(vec![("title".into(), "is missing".into())]);
        let envelope = failure.envelope("r");
        assert_eq!(envelope["success"], false);
        assert_eq!(envelope["error"]["message"], "title: is missing");
        assert_eq!(envelope["error"]["details"]["issues"][0]["path"], "title");
        let problem = failure.problem("r");
        assert_eq!(problem["code"], envelope["error"]["code"]);
        assert_eq!((problem["status"].as_u64(), problem["requestID"].as_str()), (Some(400), Some("r")));
    }
}
