//! The assistant that answers from the catalogue alone. Deterministic; it calls nobody but the desk.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::Catalogue;
use crate::ai::{Answer, Assistant, Desk, Failure, Tell, Turn};

/// Most entries that are named in one answer.
const NAMED: usize = 8;

/// Answers from the catalogue.
#[derive(Debug, Clone)]
pub struct CatalogueAssistant {
    catalogue: Catalogue,
}

impl CatalogueAssistant {
    /// Over a catalogue.
    pub fn new(catalogue: Catalogue) -> Self {
        Self { catalogue }
    }
}

impl Assistant for CatalogueAssistant {
    fn name(&self) -> &'static str {
        "catalogue"
    }

    fn answer(
        &self,
        turn: Turn,
        _desk: Arc<dyn Desk>,
        _tell: Tell,
    ) -> BoxFuture<'static, Result<Answer, Failure>> {
        let catalogue = self.catalogue.clone();
        Box::pin(async move {
            let found =
                catalogue.search(&turn.tenant, &turn.text, turn.may_query, turn.may_execute, NAMED).await?;
            let titles: Vec<String> = found.iter().map(|hit| format!("- {}", hit.entry.title)).collect();
            let text = if titles.is_empty() {
                "I found nothing that fits.".to_owned()
            } else {
                format!("This fits:\n{}", titles.join("\n"))
            };
            Ok(Answer { text, ..Answer::default() })
        })
    }
}
