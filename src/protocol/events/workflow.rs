//! The events of runs: `contract.md` 2.4, 3.3, 3.4.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    Error, ErrorBody, Object, WireTime,
    read::Fields,
    wire::{AnyId, Place, TextOrNumber},
};
use crate::{
    error::Coded,
    ids::{CollectionId, NodeId, RunId, Seq, TenantId},
};

const RUN: &[&str] = &["runId", "runID", "instanceID", "instanceId"];

/// `workflow_run_join`: watch a run. The identity is the handshake's, whatever the payload says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunJoin {
    /// The run's `instanceID`. Also read as `runID`, `instanceID`, `instanceId`.
    #[schemars(with = "AnyId")]
    pub run_id: RunId,
    /// The run's tenant, as a string or a number. A run of another tenant than this is answered like
    /// one that does not exist.
    #[serde(rename = "tenantID", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TextOrNumber>")]
    pub tenant_id: Option<TenantId>,
    /// Only events with a greater `seq`. Without it a joiner gets the last update of each node so
    /// far, then the final status if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Place>")]
    pub since: Option<Seq>,
    /// Also `running` and `suspended` updates.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub progress: bool,
}

impl RunJoin {
    /// Reads an event's first argument (`RawValue::NULL` when there is none).
    pub fn parse(argument: &RawValue) -> Result<Self, Error> {
        let fields = Fields::of(argument)?;
        Ok(Self {
            run_id: fields.id(RUN, RunId::parse)?,
            tenant_id: fields.id_or_number(&["tenantID"], TenantId::parse)?,
            since: fields.count("since")?.map(Seq),
            progress: fields.flag("progress")?,
        })
    }
}

/// `workflow_run_leave`: watch a run no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunLeave {
    /// The run's `instanceID`. Also read as `runID`, `instanceID`, `instanceId`.
    #[schemars(with = "AnyId")]
    pub run_id: RunId,
}

impl RunLeave {
    /// Reads an event's first argument (`RawValue::NULL` when there is none).
    pub fn parse(argument: &RawValue) -> Result<Self, Error> {
        Ok(Self { run_id: Fields::of(argument)?.id(RUN, RunId::parse)? })
    }
}

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RunStatus {
    /// Accepted, not started.
    Pending,
    /// On its way.
    Running,
    /// Ended well.
    Completed,
    /// Ended badly.
    Failed,
    /// Ended because it was asked to.
    Cancelled,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EndStatus {
    /// Well.
    Completed,
    /// Badly.
    Failed,
    /// Because it was asked to.
    Cancelled,
}

/// How a node's execution went. Readers take every word but `success` for a failure, so the last two
/// go only to a socket that asked for `progress`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NodeStatus {
    /// Ended well.
    Success,
    /// Ended badly, whether that was handled or not.
    Failed,
    /// Begun (only with `progress`).
    Running,
    /// Waits for somebody (only with `progress`).
    Suspended,
}

/// `workflow_node_update`: an execution of a node ended. Never sent before its row is committed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeUpdate<'a> {
    /// The run.
    #[serde(rename = "instanceID")]
    #[schemars(with = "AnyId")]
    pub instance_id: RunId,
    /// The run again, as the join spells it.
    #[serde(rename = "runId")]
    #[schemars(with = "AnyId")]
    pub run_id: RunId,
    /// The node's id in the definition.
    #[serde(rename = "nodeID")]
    #[schemars(with = "AnyId")]
    pub node_id: NodeId,
    /// The node again.
    #[serde(rename = "nodeId")]
    #[schemars(with = "AnyId")]
    pub node_id_again: NodeId,
    /// How it went.
    pub status: NodeStatus,
    /// Place of its row.
    #[schemars(with = "Place")]
    pub seq: Seq,
    /// The node's type.
    #[serde(rename = "nodeType", skip_serializing_if = "Option::is_none", default)]
    pub node_type: Option<Cow<'a, str>>,
    /// Which try it was; from 1.
    #[serde(rename = "nodeAttempt", skip_serializing_if = "Option::is_none", default)]
    pub node_attempt: Option<u32>,
    /// The key of the context that it wrote.
    #[serde(rename = "outputVariable", skip_serializing_if = "Option::is_none", default)]
    pub output_variable: Option<Cow<'a, str>>,
    /// The node's output object; empty when there is none.
    #[schemars(with = "Object")]
    pub output: Cow<'a, Object>,
    /// Why it failed; only with `failed`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<Cow<'a, str>>,
    /// The same for programs.
    #[serde(rename = "errorCode", skip_serializing_if = "Option::is_none", default)]
    pub error_code: Option<Cow<'a, str>>,
    /// The whole user context right after this node.
    #[serde(rename = "contextData", skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "Option<Object>")]
    pub context_data: Option<Cow<'a, Object>>,
    /// The context is too large for an event and left out: read it by REST.
    #[serde(rename = "contextTruncated", skip_serializing_if = "std::ops::Not::not", default)]
    pub context_truncated: bool,
    /// How long the execution took, in milliseconds.
    #[serde(rename = "durationMs", skip_serializing_if = "Option::is_none", default)]
    pub duration_ms: Option<u64>,
    /// Index in the innermost loop.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub iteration: Option<u64>,
    /// It happened before the join.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub replayed: bool,
}

impl<'a> NodeUpdate<'a> {
    /// An update with nothing that may be left out.
    pub fn new(
        run: &RunId,
        node: &NodeId,
        status: NodeStatus,
        seq: Seq,
        output: impl Into<Cow<'a, Object>>,
    ) -> Self {
        Self {
            instance_id: run.clone(),
            run_id: run.clone(),
            node_id: node.clone(),
            node_id_again: node.clone(),
            status,
            seq,
            node_type: None,
            node_attempt: None,
            output_variable: None,
            output: output.into(),
            error: None,
            error_code: None,
            context_data: None,
            context_truncated: false,
            duration_ms: None,
            iteration: None,
            replayed: false,
        }
    }
}

/// `workflow_status_update`: the run ended. Once a run, and nothing of the run follows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatusUpdate<'a> {
    /// The run.
    #[serde(rename = "instanceID")]
    #[schemars(with = "AnyId")]
    pub instance_id: RunId,
    /// The run again, as the join spells it.
    #[serde(rename = "runId")]
    #[schemars(with = "AnyId")]
    pub run_id: RunId,
    /// How it ended.
    pub status: EndStatus,
    /// Place of its row.
    #[schemars(with = "Place")]
    pub seq: Seq,
    /// The final user context, whole: `input`, every output variable, `output`.
    #[serde(rename = "contextData")]
    #[schemars(with = "Object")]
    pub context_data: Cow<'a, Object>,
    /// What the end node put out.
    #[schemars(with = "Option<Object>")]
    pub output: Option<Cow<'a, Object>>,
    /// Why; with `FAILED`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<Cow<'a, str>>,
    /// The same for programs.
    #[serde(rename = "errorCode", skip_serializing_if = "Option::is_none", default)]
    pub error_code: Option<Cow<'a, str>>,
    /// When.
    #[serde(rename = "completedAt", skip_serializing_if = "Option::is_none", default)]
    pub completed_at: Option<WireTime>,
    /// It happened before the join.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub replayed: bool,
}

impl<'a> StatusUpdate<'a> {
    /// An update with nothing that may be left out.
    pub fn new(run: &RunId, status: EndStatus, seq: Seq, context: impl Into<Cow<'a, Object>>) -> Self {
        Self {
            instance_id: run.clone(),
            run_id: run.clone(),
            status,
            seq,
            context_data: context.into(),
            output: None,
            error: None,
            error_code: None,
            completed_at: None,
            replayed: false,
        }
    }
}

/// `workflow_data_collection_request`: a run asks somebody, or the next of its requests that waits is
/// told again because another was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CollectionRequest {
    /// The run.
    #[serde(rename = "instanceID")]
    #[schemars(with = "AnyId")]
    pub instance_id: RunId,
    /// The run again, as the join spells it.
    #[schemars(with = "AnyId")]
    pub run_id: RunId,
    /// The node that asks.
    #[serde(rename = "nodeID")]
    #[schemars(with = "AnyId")]
    pub node_id: NodeId,
    /// The node again, as one document spells it.
    #[serde(rename = "nodeId")]
    #[schemars(with = "AnyId")]
    pub node_id_again: NodeId,
    /// The request: answered by `POST …/data-collection/{collectionRequestID}/submit`, or by
    /// `widget_send_input`.
    #[serde(rename = "collectionRequestID")]
    #[schemars(with = "AnyId")]
    pub collection_request_id: CollectionId,
    /// `form`, `api` or `approval`.
    pub collection_type: String,
    /// What is asked: `title`, `description`, `formSchema`, `formUischema`, `outputVariable`,
    /// `expiryMinutes`; of an approval also `approvers`, `requireComment`, its labels, `onTimeout`.
    pub collection_config: serde_json::Map<String, serde_json::Value>,
    /// When it expires; absent: never.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<WireTime>,
    /// Place of the row it is told at.
    #[schemars(with = "Place")]
    pub seq: Seq,
    /// Index in the innermost loop.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub iteration: Option<u32>,
    /// It was asked before the join.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub replayed: bool,
}

/// `workflow_run_error`: a join or a leave was refused. A run of another tenant is answered exactly
/// like one that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RunError {
    /// The run that was asked for; null when the payload named none.
    #[serde(rename = "instanceID")]
    #[schemars(with = "Option<AnyId>")]
    pub instance_id: Option<RunId>,
    /// The same, as the join spells it.
    #[serde(rename = "runId")]
    #[schemars(with = "Option<AnyId>")]
    pub run_id: Option<RunId>,
    /// Why.
    pub error: ErrorBody,
}

impl RunError {
    /// The refusal of an event about `run`.
    pub fn of(run: Option<&RunId>, error: &(impl Coded + ?Sized)) -> Self {
        Self { instance_id: run.cloned(), run_id: run.cloned(), error: ErrorBody::of(error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::IdError;

    fn raw(text: &str) -> Box<RawValue> {
        serde_json::from_str(text).unwrap_or_else(|error| unreachable!("{text}: {error}"))
    }
    fn join(text: &str) -> Result<RunJoin, Error> {
        RunJoin::parse(&raw(text))
    }

    #[test]
    fn a_join_is_read_in_every_spelling() {
        for field in RUN {
            let read = join(&format!(r#"{{"{field}":"preview_5_1","firebaseID":"someone else"}}"#));
            let expected = RunJoin {
                run_id: RunId::trusted("preview_5_1"),
                tenant_id: None,
                since: None,
                progress: false,
            };
            assert_eq!(read, Ok(expected));
            assert!(RunLeave::parse(&raw(&format!(r#"{{"{field}":"r"}}"#))).is_ok());
        }
        // Two spellings in one payload are no mistake: the first one counts.
        let both = join(r#"{"instanceID":"b","runId":"a","tenantID":5,"since":0,"progress":true,"x":[1]}"#);
        let expected = RunJoin {
            run_id: RunId::trusted("a"),
            tenant_id: Some(TenantId::trusted("5")),
            since: Some(Seq(0)),
            progress: true,
        };
        assert_eq!(both, Ok(expected));
        assert!(join(r#"{"runId":null,"instanceId":"b","since":null,"progress":null}"#).is_ok());
    }

    #[test]
    fn a_wrong_shape_is_told_by_field() {
        for text in ["null", "1", "[]", r#""r""#, r#"[{"runId":"r"}]"#] {
            assert_eq!(join(text), Err(Error::NoObject), "{text}");
        }
        assert_eq!(join("{}"), Err(Error::Missing { field: "runId" }));
        let id = |why| Err(Error::Id { field: "runId", why });
        assert_eq!(join(r#"{"runId":""}"#), id(IdError::Empty));
        assert_eq!(join(&format!(r#"{{"runId":"{}"}}"#, "x".repeat(129))), id(IdError::TooLong));
        assert_eq!(join(r#"{"runId":"a\u0000b"}"#), id(IdError::Control));
        let number = Error::Type { field: "since", expected: "a whole number from 0" };
        for since in ["-1", "1.5", "1e30", "\"1\"", "9007199254740992", "true", "{}"] {
            assert_eq!(join(&format!(r#"{{"runId":"r","since":{since}}}"#)), Err(number), "{since}");
        }
        assert!(join(r#"{"runId":"r","progress":1}"#).is_err());
        assert!(join(r#"{"runId":7}"#).is_err());
    }

    #[test]
    fn a_tenant_may_be_a_number() {
        let tenant = |tenant: &str| {
            join(&format!(r#"{{"runId":"r","tenantID":{tenant}}}"#)).map(|join| join.tenant_id)
        };
        assert_eq!(tenant("5"), tenant("\"5\""));
        assert_eq!(tenant("null"), Ok(None));
        assert!(tenant("[5]").is_err() && tenant("\"\"").is_err());
    }

    #[test]
    fn updates_are_spelled_as_the_contract_does() {
        let (run, node) = (RunId::trusted("i1"), NodeId::trusted("n2"));
        let output: Object = [("jsResult".to_owned(), 42.into())].into_iter().collect();
        let mut update = NodeUpdate::new(&run, &node, NodeStatus::Success, Seq(5), Cow::Borrowed(&output));
        update.context_data = Some(Cow::Borrowed(&output));
        assert_eq!(
            serde_json::to_string(&update).ok().as_deref(),
            Some(
                r#"{"instanceID":"i1","runId":"i1","nodeID":"n2","nodeId":"n2","status":"success","seq":5,"output":{"jsResult":42},"contextData":{"jsResult":42}}"#
            )
        );
        let mut status = StatusUpdate::new(&run, EndStatus::Completed, Seq(9), Cow::Borrowed(&output));
        status.completed_at = Some(WireTime(jiff::Timestamp::UNIX_EPOCH));
        assert_eq!(
            serde_json::to_string(&status).ok().as_deref(),
            Some(
                r#"{"instanceID":"i1","runId":"i1","status":"COMPLETED","seq":9,"contextData":{"jsResult":42},"output":null,"completedAt":"1970-01-01T00:00:00.000Z"}"#
            )
        );
    }
}
