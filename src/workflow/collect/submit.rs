//! Answers.

use serde_json::Value;

use super::{RequestView, approvers::may_answer};
use crate::{
    engine::{self, Submission, Submitter},
    ids::{CollectionId, RunId, TenantId, Visit},
    store::tables::collection::{self, Request, RequestStatus},
    workflow::{Error, Issue, Runs, messages::Ask},
};

/// Where a widget's data names the request that it answers.
const NAMED: &str = "collectionRequestID";

impl Runs {
    /// A request of this tenant.
    pub async fn request(&self, tenant: &TenantId, id: &CollectionId) -> Result<RequestView, Error> {
        self.request_row(tenant, id).await.map(RequestView::of)
    }

    /// Answers a request: the first answer that fits wins, and completes the node that asked.
    pub async fn submit(
        &self,
        tenant: &TenantId,
        id: &CollectionId,
        answer: Value,
        by: Submitter,
    ) -> Result<CollectionId, Error> {
        let request = self.request_row(tenant, id).await?;
        self.check_answer(&request, &answer, &by)?;
        self.give(request, answer, by).await
    }

    async fn request_row(&self, tenant: &TenantId, id: &CollectionId) -> Result<Request, Error> {
        let key = id.clone();
        let request = self.hub.store.read(move |db| collection::find(db, &key)).await?;
        let request = request.ok_or(Error::CollectionNotFound)?;
        match self.find(tenant, &request.instance_id).await {
            Ok(_) => Ok(request),
            Err(Error::RunNotFound) => Err(Error::CollectionNotFound),
            Err(error) => Err(error),
        }
    }

    /// The request that a widget's input answers: the one that it names, else the oldest open one of
    /// the run; none when the run asks nobody.
    pub(in crate::workflow) async fn asked(
        &self,
        run: &RunId,
        data: &Value,
    ) -> Result<Option<Request>, Error> {
        let of = run.clone();
        if let Some(named) = data.get(NAMED).and_then(Value::as_str) {
            let named = CollectionId::parse(named).map_err(|error| Error::Invalid(error.to_string()))?;
            let request = self.hub.store.read(move |db| collection::find(db, &named)).await?;
            let request = request.filter(|request| request.instance_id == of);
            return request.map(Some).ok_or(Error::CollectionNotFound);
        }
        let open = self.hub.store.read(move |db| collection::open_of_run(db, &of)).await?;
        Ok(open.into_iter().next())
    }

    /// Whether it may be this answer, and by this one.
    pub(in crate::workflow) fn check_answer(
        &self,
        request: &Request,
        answer: &Value,
        by: &Submitter,
    ) -> Result<(), Error> {
        if request.status != RequestStatus::Pending {
            return Err(Error::CollectionClosed);
        }
        if request.expires_at.is_some_and(|at| at <= self.hub.clock.now()) {
            return Err(Error::CollectionExpired);
        }
        if !answer.is_object() {
            return Err(Error::Invalid("submittedData must be an object".to_owned()));
        }
        let most = self.hub.max_inputs;
        if answer.to_string().len() > most {
            return Err(Error::TooLarge(format!("submittedData is over {most} bytes (limits.inputs)")));
        }
        let config: Value = serde_json::from_str(&request.collection_config).unwrap_or_default();
        if !may_answer(&config, by) {
            return Err(Error::NotAnApprover);
        }
        // Older answers to an approval do not fit the form that is drawn: its node decides.
        if request.collection_type == "approval" && answer.get("decision").is_none() {
            return Ok(());
        }
        let Some(schema) = config.get("formSchema") else { return Ok(()) };
        let issues = engine::form_issues(schema, answer);
        if issues.is_empty() {
            return Ok(());
        }
        let issue = |issue: engine::FormIssue| Issue {
            path: format!("submittedData{}", issue.path.replace('/', ".")),
            message: issue.message,
            ..Issue::default()
        };
        Err(Error::Inputs(issues.into_iter().map(issue).collect()))
    }

    /// Gives an answer that was checked to the run.
    async fn give(&self, request: Request, answer: Value, by: Submitter) -> Result<CollectionId, Error> {
        let submission = submission(&request, answer, by);
        match self
            .ask(&request.instance_id, |reply| Ask::Submit { submission: Box::new(submission), reply })
            .await
        {
            Ok(_) => Ok(request.collection_request_id),
            Err(error) => Err(self.not_given(request.collection_request_id, error).await),
        }
    }

    /// Why an answer was not taken, as whoever gave it sees it.
    pub(in crate::workflow) async fn not_given(&self, request: CollectionId, error: Error) -> Error {
        match error {
            // The run was removed meanwhile.
            Error::RunNotFound => Error::CollectionNotFound,
            Error::RunNotRunning => {
                // Another answer may have been faster, and have ended the run.
                let row = self.hub.store.read(move |db| collection::find(db, &request)).await;
                match row {
                    Ok(Some(row))
                        if matches!(row.status, RequestStatus::Completed | RequestStatus::Expired) =>
                    {
                        Error::CollectionClosed
                    }
                    Ok(_) => Error::RunNotRunning,
                    Err(error) => error.into(),
                }
            }
            error => error,
        }
    }
}

/// What a widget says to a request, without the name of the request: that is the envelope, and a form
/// that allows nothing more than its fields would refuse it. A form may have a field of that name.
pub(in crate::workflow) fn answer_of(request: &Request, data: &Value) -> Value {
    let config: Value = serde_json::from_str(&request.collection_config).unwrap_or_default();
    let mut answer = data.clone();
    if config["formSchema"]["properties"].get(NAMED).is_none()
        && let Some(fields) = answer.as_object_mut()
    {
        fields.retain(|name, _| name != NAMED);
    }
    answer
}

/// An answer to a request, as the run takes it.
pub(in crate::workflow) fn submission(request: &Request, answer: Value, by: Submitter) -> Submission {
    let visit = Visit(u32::try_from(request.visit).unwrap_or_default());
    Submission { node: request.node_id.clone(), visit, answer, by }
}
