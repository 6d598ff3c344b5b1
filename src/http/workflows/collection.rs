//! What runs ask people: a request, and its answer (`contract.md` 6.5).

use serde_json::{Map, Value};

use super::told::told;
use crate::{
    engine::Submitter,
    http::{Answer, Asked, Failure},
    ids::CollectionId,
};

pub(super) async fn get(asked: Asked) -> Result<Answer, Failure> {
    let id = asked.id("collectionRequestID", CollectionId::parse)?;
    let request = asked.hub.parts.runs.request(asked.tenant()?, &id).await.map_err(told)?;
    Answer::field("request", &request)
}

pub(super) async fn submit(asked: Asked) -> Result<Answer, Failure> {
    let id = asked.id("collectionRequestID", CollectionId::parse)?;
    let mut body: Map<String, Value> = asked.fields()?;
    let answer = body.remove("submittedData").unwrap_or_default();
    let identity = asked.identity()?;
    let by = Submitter {
        user: identity.user.clone(),
        api_key: identity.api_key().cloned(),
        email: identity.email.clone(),
    };
    let id = asked.hub.parts.runs.submit(asked.tenant()?, &id, answer, by).await.map_err(told)?;
    Answer::field("collectionRequestID", &id)
}
