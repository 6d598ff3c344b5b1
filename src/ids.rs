//! Typed identifiers: no function of ours takes two `&str` ids side by side.
//!
//! Ids that clients choose or echo (runs, nodes, tenants …) are any string of 1 to 128 characters,
//! none of them a control character (`contract.md` 2); ids that the hub makes are uuid v7. They know
//! serde and nothing of the database: rows hold text and convert at the door of `store`.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// Longest name in bytes of what is no id but as long as one (a namespace, an echoed field).
pub const MAX_ID_BYTES: usize = 128;

/// Longest id in characters that is accepted from outside (`contract.md` 2).
const MAX_ID_CHARACTERS: usize = 128;

/// Why a text is no id. Answered as `INVALID_REQUEST`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The empty string.
    #[error("an id must not be empty")]
    Empty,
    /// Over 128 characters.
    #[error("an id has at most {MAX_ID_CHARACTERS} characters")]
    TooLong,
    /// A C0, C1 or DEL character: it could split a log line or a header.
    #[error("an id must not contain control characters")]
    Control,
}

fn check(text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.chars().take(MAX_ID_CHARACTERS + 1).count() > MAX_ID_CHARACTERS {
        return Err(IdError::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(IdError::Control);
    }
    Ok(())
}

macro_rules! text_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks a text from outside: 1 to 128 characters, no control characters.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                check(text)?;
                Ok(Self(Arc::from(text)))
            }
            /// A new uuid v7: rises with time, so it shows its time and is no secret.
            pub fn generate() -> Self {
                Self(Arc::from(uuid::Uuid::now_v7().to_string().as_str()))
            }
            /// A text that the hub itself wrote (a database row): taken as it is.
            pub fn trusted(text: &str) -> Self {
                Self(Arc::from(text))
            }
            /// The text, byte for byte as it came.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    )+};
}

text_ids! {
    /// One execution of a definition (`instanceID`, `runId` on the wire).
    RunId,
    /// A step of a definition; unique within its definition only.
    NodeId,
    /// A stored workflow definition (`workflowID`).
    WorkflowId,
    /// A tenant (`tenantID`; number or string on the wire, compared as string).
    TenantId,
    /// A user's row (`userID`).
    UserId,
    /// An API key's row (`apiKeyID`); not the key itself.
    ApiKeyId,
    /// A stored data source (`datasourceID`).
    DataSourceId,
    /// A saved query over a data source (`dataQueryID`).
    DataQueryId,
    /// A stored widget, or what a page calls one (`widgetID`: any string, `preview_<tenant>_<ms>`).
    WidgetId,
    /// A stored listener (`listenerID`).
    ListenerId,
    /// A form or an approval that a run waits for (`collectionRequestID`).
    CollectionId,
    /// A chat room (`chatRoomID`).
    ChatRoomId,
    /// A message of a chat room (`messageID`): a person's or the assistant's.
    MessageId,
    /// What the assistant proposes to do (`proposalID`).
    ProposalId,
    /// A stream of the journal: `run:<run id>`, `room:<room id>`.
    StreamId,
    /// One hub process, written into each journal row as its writer.
    HubId,
    /// One request or frame from outside, for log lines (`request.id`).
    RequestId,
    /// A socket: a session's membership in one namespace. Public.
    SocketId,
}

impl StreamId {
    /// The stream that holds the rows of a run.
    pub fn of_run(run: &RunId) -> Self {
        Self(Arc::from(format!("run:{run}").as_str()))
    }
    /// The stream that holds the rows of a chat room.
    pub fn of_room(room: &ChatRoomId) -> Self {
        Self(Arc::from(format!("room:{room}").as_str()))
    }
    /// Where the registrations of a tenant's widget hear of its listeners. No rows are kept of it.
    pub fn of_widget(tenant: &TenantId, widget: &WidgetId) -> Self {
        Self(Arc::from(format!("widget:{}:{tenant}/{widget}", tenant.as_str().len()).as_str()))
    }
}

impl CollectionId {
    /// The request that a visit of a node makes: always the same, so nothing random is in the engine
    /// and a run that is folded again finds its own requests.
    pub fn of(run: &RunId, node: &NodeId, visit: Visit) -> Self {
        let name = format!("collection\n{run}\n{}\n{node}", visit.0);
        Self(Arc::from(uuid::Uuid::new_v5(&MADE, name.as_bytes()).to_string().as_str()))
    }
}

impl MessageId {
    /// The assistant's answer to a message: always the same, so that one that is made again has its name.
    pub fn of_answer(message: &MessageId) -> Self {
        let name = format!("answer\n{message}");
        Self(Arc::from(uuid::Uuid::new_v5(&MADE, name.as_bytes()).to_string().as_str()))
    }
}

impl ProposalId {
    /// What the answer to a message proposes; there is one at most.
    pub fn of_turn(room: &ChatRoomId, message: &MessageId) -> Self {
        let name = format!("proposal\n{room}\n{message}");
        Self(Arc::from(uuid::Uuid::new_v5(&MADE, name.as_bytes()).to_string().as_str()))
    }
}

impl RunId {
    /// The run that an attempt of a node starts: always the same, so that an attempt that begins
    /// again after a crash finds it.
    pub fn of_child(parent: &RunId, node: &NodeId, visit: Visit, attempt: Attempt) -> Self {
        let name = format!("child\n{parent}\n{}\n{}\n{node}", visit.0, attempt.0);
        Self(Arc::from(uuid::Uuid::new_v5(&MADE, name.as_bytes()).to_string().as_str()))
    }
}

/// The namespace of ids that follow from other ids. Their parts are told apart by a line break, which
/// no id has.
const MADE: uuid::Uuid = uuid::uuid!("8f0c9e1e-6d0a-5f0b-9f0e-6a6574687562");

/// A row's place in its stream: from 1, without holes. 0 = before the first row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub i64);

impl Seq {
    /// Before the first row.
    pub const ZERO: Seq = Seq(0);
    /// The place behind this one.
    #[must_use]
    pub fn next(self) -> Seq {
        Seq(self.0.saturating_add(1))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The life of a stream: born with it, changed when it is truncated or restored, so that a seq
/// of the old life is never mistaken for one of the new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub i64);

/// Where a reader is: a seq alone would lie when a stream began again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StreamPosition {
    /// Life of the stream.
    pub epoch: Epoch,
    /// Last row seen in that life.
    pub seq: Seq,
}

/// One arrival at a node (loops visit again); from 1, counted over the whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Visit(pub u32);

/// One try of a visit (retries try again); from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attempt(pub u32);

/// The Engine.IO session id: a secret (whoever knows it may read and write the session), so it
/// prints masked and logs carry [`SessionId::log_id`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(engineioxide_core::Sid);

impl SessionId {
    /// 96 random bits, 16 url-safe characters.
    pub fn generate() -> Self {
        Self(engineioxide_core::Sid::new())
    }
    /// A sid from a query; `None` for anything that no hub ever issued.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
    /// The secret itself, for the OPEN packet only.
    pub fn expose(&self) -> &str {
        self.0.as_str()
    }
    /// The codec's type.
    pub fn to_sid(self) -> engineioxide_core::Sid {
        self.0
    }
    /// Twelve hexadecimal digits of its SHA-256: one session in many log lines, not usable as sid.
    pub fn log_id(&self) -> String {
        use sha2::Digest;
        let digest = sha2::Sha256::digest(self.0.as_str().as_bytes());
        digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sid:****")
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sid:****")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_from_outside_are_checked() {
        assert_eq!(RunId::parse(""), Err(IdError::Empty));
        assert_eq!(RunId::parse(&"x".repeat(129)), Err(IdError::TooLong));
        assert_eq!(RunId::parse("a\0b"), Err(IdError::Control));
        assert!(RunId::parse("preview_5_1700000000000").is_ok());
        assert!(serde_json::from_str::<RunId>("\"a\\nb\"").is_err());
    }

    #[test]
    fn ids_that_follow_from_others_are_theirs_alone() {
        let (run, node) = (RunId::trusted("r"), NodeId::trusted("1/n"));
        let one = CollectionId::of(&run, &node, Visit(1));
        assert_eq!(one, CollectionId::of(&run, &node, Visit(1)));
        assert_ne!(one, CollectionId::of(&run, &node, Visit(2)));
        assert_ne!(one, CollectionId::of(&RunId::trusted("r/1"), &NodeId::trusted("n"), Visit(1)));
        let child = RunId::of_child(&run, &node, Visit(1), Attempt(1));
        assert_ne!(child, RunId::of_child(&run, &node, Visit(1), Attempt(2)));
        assert_ne!(child.as_str(), one.as_str());
    }

    #[test]
    fn a_session_id_never_prints() {
        let sid = SessionId::generate();
        assert_eq!(format!("{sid} {sid:?}"), "sid:**** sid:****");
        assert!(!sid.log_id().contains(sid.expose()));
    }
}
