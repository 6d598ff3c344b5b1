//! What widgets say to a run (`contract.md` 2.6).

use super::{
    Error,
    collect::{answer_of, submission},
    messages::Ask,
    runs::Runs,
};
use crate::{
    engine::{Submitter, WidgetInput},
    ids::{CollectionId, RunId, Seq, TenantId},
};

/// A widget was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputTaken {
    /// Its row.
    pub seq: Seq,
    /// The request that it answered.
    pub collection: Option<CollectionId>,
}

impl Runs {
    /// Writes what a widget says as a row of the run: code of later nodes sees it.
    pub async fn widget_input(
        &self,
        tenant: &TenantId,
        run: &RunId,
        input: WidgetInput,
        by: Submitter,
    ) -> Result<InputTaken, Error> {
        let row = self.find(tenant, run).await?;
        if row.status.is_terminal() {
            return Err(Error::RunNotRunning);
        }
        log::debug!(run_id:% = run, by:? = by.user; "a widget says something");
        // What it answers is looked for first: an answer that is refused leaves no row.
        let asked = match input.input_type.as_str() {
            "form_submit" | "data_collection" => self.asked(run, &input.data).await?,
            _ => None,
        };
        let mut input = input;
        if let Some(request) = &asked {
            let answer = answer_of(request, &input.data);
            self.check_answer(request, &answer, &by)?;
            input.answers = Some(Box::new(submission(request, answer, by)));
        }
        let collection = asked.map(|request| request.collection_request_id);
        // One command: what it says and what it answers are in the journal together, or not at all.
        match (self.ask(run, |reply| Ask::Input { input: Box::new(input), reply }).await, collection) {
            (Ok(seq), collection) => Ok(InputTaken { seq, collection }),
            (Err(error), None) => Err(error),
            (Err(error), Some(request)) => Err(self.not_given(request, error).await),
        }
    }
}
