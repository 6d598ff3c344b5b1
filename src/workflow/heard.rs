//! What widgets say to a run (`contract.md` 2.6).

use super::{Error, messages::Ask, runs::Runs};
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
        let data = input.data.clone();
        if let Some(request) = &asked {
            self.check_answer(request, &data, &by)?;
        }
        let seq = self.ask(run, |reply| Ask::Input { input: Box::new(input), reply }).await?;
        let collection = match asked {
            Some(request) => Some(self.give(request, data, by).await?),
            None => None,
        };
        Ok(InputTaken { seq, collection })
    }
}
