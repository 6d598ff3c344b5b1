//! What every layer's `Error` answers: a stable code, its class, the HTTP status.
//!
//! Types live with their layer (`workflow::Error`, `store::Error` …); the codes are listed once,
//! here, because clients, docs and tests need them in one table (`contract.md` 6.6).

use serde::Serialize;

/// Whose fault it is; decides how it is logged and whether a retry can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// The caller's: 4xx, logged at debug.
    Client,
    /// Ours or a neighbour's, for now: 503 with `Retry-After`, logged at warn once.
    Unavailable,
    /// Ours: 500, logged at error.
    Bug,
}

/// Answered by every error enum of the crate.
pub trait Coded: std::error::Error {
    /// The stable code that reaches whoever caused the error.
    fn code(&self) -> Code;

    /// Text for the client: the error's own words, unless it is the hub's fault; then a general
    /// sentence, since a store's or peer's words never reach a client (`faults.md` A21).
    fn public_message(&self) -> String {
        match self.code().class() {
            Class::Client => self.to_string(),
            Class::Unavailable | Class::Bug => self.code().row().meaning.to_owned(),
        }
    }
}

/// One line of the table of codes, printed in the docs.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The code.
    pub code: Code,
    /// Its spelling on the wire.
    pub text: &'static str,
    /// Whose fault.
    pub class: Class,
    /// HTTP status when REST answers it.
    pub status: u16,
    /// What it means, in one clause.
    pub meaning: &'static str,
    /// What the caller should do.
    pub advice: &'static str,
}

macro_rules! codes {
    ($($variant:ident $text:literal $class:ident $status:literal $meaning:literal $advice:literal;)+) => {
        /// A stable code, `SCREAMING_SNAKE` on the wire; messages may change, codes never.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "each variant is a row of TABLE, which says what it means")]
        pub enum Code { $($variant),+ }

        /// All codes, in the order of the docs.
        pub const TABLE: &[Row] = &[$(Row {
            code: Code::$variant, text: $text, class: Class::$class, status: $status,
            meaning: $meaning, advice: $advice,
        }),+];
    };
}

codes! {
    InvalidRequest "INVALID_REQUEST" Client 400 "the request has the wrong shape" "compare it with /docs/asyncapi.yaml or the route's documentation";
    ValidationError "VALIDATION_ERROR" Client 400 "one or more fields are not valid" "read error.details.issues";
    PermissionDenied "PERMISSION_DENIED" Client 403 "the identity has no right to do this" "ask an ADMIN of the tenant for the permission";
    TokenNotFound "USER_AUTH_TOKEN_NOT_FOUND" Client 401 "no credential was sent" "send auth.token, or an Authorization header";
    TokenExpired "USER_AUTH_TOKEN_EXPIRED" Client 401 "the token is invalid or expired" "get a new token; the log line says the reason";
    InvalidApiKey "INVALID_API_KEY" Client 401 "the API key is unknown, disabled or expired" "create a new key";
    InvalidUser "INVALID_USER" Client 401 "the token is valid, but no user has its subject" "create the user: jethub user create";
    InvalidLogin "INVALID_LOGIN" Client 401 "the login is not valid" "check name and password";
    InvalidTenant "INVALID_TENANT" Client 400 "no tenant was given and it does not follow from the identity" "send tenantID";
    NotAllowedByCors "NOT_ALLOWED_BY_CORS" Client 403 "the page's origin is not allowed" "add it to server.allowed_origins";
    WorkflowNotFound "WORKFLOW_NOT_FOUND" Client 404 "no such workflow in this tenant" "check the id and the tenant";
    RunNotFound "RUN_NOT_FOUND" Client 404 "no such run in this tenant" "check the id and the tenant";
    RunNotRunning "RUN_NOT_RUNNING" Client 400 "the run has ended" "start a new run";
    RoomNotFound "ROOM_NOT_FOUND" Client 404 "no such room" "join without an id to get one";
    WidgetNotFound "WIDGET_NOT_FOUND" Client 404 "no such widget in this tenant" "check the id and the tenant";
    SchemaNotFound "SCHEMA_NOT_FOUND" Client 404 "no such node type" "see GET workflows/schemas";
    NotFound "NOT_FOUND" Client 404 "no such thing in this tenant" "check the id and the tenant";
    InvalidDefinition "INVALID_DEFINITION" Client 400 "the workflow cannot run as it is drawn" "read error.details.problems";
    InputInvalid "INPUT_INVALID" Client 400 "the inputs do not fit their definitions" "read the message: one entry a key";
    ConnectionFailed "CONNECTION_FAILED" Client 400 "the widget could not be connected" "read error.reason";
    InputFailed "INPUT_FAILED" Client 400 "the widget's input was not taken" "read error.reason";
    RefreshFailed "REFRESH_FAILED" Client 400 "the widget could not be refreshed" "read error.reason";
    NotConnected "NOT_CONNECTED" Client 400 "this socket holds no registration of the widget" "connect the widget first";
    UnknownMode "UNKNOWN_MODE" Client 400 "mode is none of execute, subscribe, replay" "use one of them";
    NodeFailed "NODE_FAILED" Client 400 "a node failed and nothing handled it" "see the run's log rows";
    NodeTimeout "NODE_TIMEOUT" Client 400 "a node took longer than its timeout" "raise timeoutSeconds or do less";
    RunTimeout "RUN_TIMEOUT" Client 400 "the run took longer than its timeout" "raise workflowRunTimeout";
    Deadlock "DEADLOCK" Client 400 "no node of the run can go on" "check joins and branches";
    JsError "JS_ERROR" Client 400 "the script threw" "see the message";
    JsTimeout "JS_TIMEOUT" Client 400 "the script ran longer than its limit" "raise timeoutSeconds or do less";
    JsMemory "JS_MEMORY" Client 400 "the script needed more memory than its limit" "keep less at once";
    QueryUnavailable "QUERY_UNAVAILABLE" Client 400 "no query source is configured" "configure a data source";
    QueryFailed "QUERY_FAILED" Client 400 "the query failed" "see the message";
    ContextTooLarge "CONTEXT_TOO_LARGE" Client 400 "the run's context is over its limit" "keep less in output variables";
    PayloadTooLarge "PAYLOAD_TOO_LARGE" Client 413 "the payload is over its limit" "send less";
    RateLimited "RATE_LIMITED" Client 429 "a limit was reached" "wait and try again; the message names the limit";
    AssistantUnavailable "ASSISTANT_UNAVAILABLE" Unavailable 503 "the assistant cannot answer now" "try again later";
    RunLost "RUN_LOST" Unavailable 503 "the run's owner cannot be reached" "try again";
    ServerError "SERVER_ERROR" Bug 500 "something failed inside the hub" "try again; the hub's log has the reason under the request id";
    StorageUnavailable "SERVER_ERROR" Unavailable 503 "the store cannot be reached or written" "try again; operators: see /readyz";
    Busy "BUSY" Unavailable 503 "a queue of the hub is full" "try again after Retry-After";
    Draining "DRAINING" Unavailable 503 "the hub is being stopped" "reconnect after Retry-After";
    Conflict "CONFLICT" Client 409 "it exists already, or was changed in between" "read it again";
    NotRestartable "NOT_RESTARTABLE" Client 409 "this actor cannot be restarted now" "see its state in GET /admin/v1/actors";
    ActorNotFound "ACTOR_NOT_FOUND" Client 404 "no such actor lives now" "list them with GET /admin/v1/actors";
    CrashLooping "CRASH_LOOPING" Unavailable 503 "the actor crashed too often and is held back" "see its last error; it starts again after its backoff";
    ProposalClosed "PROPOSAL_CLOSED" Client 409 "the proposal was answered or has expired" "ask again";
    CollectionNotFound "COLLECTION_NOT_FOUND" Client 404 "no such request" "check the id";
    CollectionClosed "COLLECTION_CLOSED" Client 400 "the request was answered, cancelled or has expired" "reload the run";
    CollectionExpired "COLLECTION_EXPIRED" Client 400 "the request has expired" "start again";
    MethodNotAllowed "METHOD_NOT_ALLOWED" Client 405 "this route does not know the method" "see the Allow header";
    UnsupportedMediaType "UNSUPPORTED_MEDIA_TYPE" Client 415 "the body's type or encoding is not taken" "send application/json without Content-Encoding";
}

impl Code {
    /// The code's line in [`TABLE`].
    pub fn row(self) -> &'static Row {
        // The macro writes enum and table in the same order.
        TABLE.get(self as usize).unwrap_or(&TABLE[0])
    }
    /// Spelling on the wire.
    pub fn as_str(self) -> &'static str {
        self.row().text
    }
    /// Whose fault.
    pub fn class(self) -> Class {
        self.row().class
    }
    /// HTTP status.
    pub fn status(self) -> u16 {
        self.row().status
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.code as usize, index, "{}", row.text);
            assert_eq!(row.code.row().text, row.text);
            assert!(!row.meaning.ends_with('.') && !row.advice.is_empty(), "{}", row.text);
        }
    }
}
