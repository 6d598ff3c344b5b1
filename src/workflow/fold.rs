//! A run's state from its rows, page by page: for its actor, a replay, a view.

use std::sync::Arc;

use super::{Error, definitions::source_of_embedded, hub::Hub};
use crate::{
    engine::{self, Definition, RunEvent, RunState},
    ids::{Seq, StreamId},
    store::{self, Row, tables::runs::Run},
};

/// Rows of a page.
const PAGE_ROWS: usize = 512;
/// Bytes of a page, so that a thread is not held long.
const PAGE_BYTES: usize = 256 << 10;

/// The fold of a run's rows so far.
pub(super) struct Fold {
    stream: StreamId,
    /// None only until the first row of a run that carries its own definition.
    definition: Option<Arc<Definition>>,
    state: Option<RunState>,
    seq: Seq,
    head: Seq,
}

impl Fold {
    /// Before the first row.
    pub(super) async fn begin(hub: &Hub, run: &Run) -> Result<Self, Error> {
        let definition = match (&run.workflow_id, run.version) {
            (Some(workflow), Some(version)) => {
                Some(hub.definitions.pinned(&hub.store, workflow, version).await?)
            }
            _ => None,
        };
        let state =
            definition.as_ref().map(|known| RunState::new(Arc::clone(known), Arc::clone(&hub.limits)));
        let stream = StreamId::of_run(&run.instance_id);
        Ok(Self { stream, definition, state, seq: Seq::ZERO, head: Seq::ZERO })
    }

    /// The last row that was folded.
    pub(super) fn seq(&self) -> Seq {
        self.seq
    }

    /// The last row that there was when a page was read.
    pub(super) fn head(&self) -> Seq {
        self.head
    }

    /// The state after the last row that was folded.
    pub(super) fn state(&self) -> Result<&RunState, Error> {
        self.state.as_ref().ok_or_else(|| Error::Internal(format!("{} has no first row", self.stream)))
    }

    /// The state, when nothing more is to be folded.
    pub(super) fn into_state(self) -> Result<RunState, Error> {
        let stream = self.stream;
        self.state.ok_or_else(|| Error::Internal(format!("{stream} has no first row")))
    }

    /// Reads and folds one page; `each` sees every row with its event and the state right after it.
    /// False at the head of the stream.
    pub(super) async fn page(
        &mut self,
        hub: &Hub,
        mut each: impl FnMut(&RunState, &RunEvent, &Row),
    ) -> Result<bool, Error> {
        let page = hub.store.journal().read(&self.stream, self.seq, PAGE_ROWS, PAGE_BYTES).await;
        let page = page.map_err(|error| match error {
            store::Error::NotFound => Error::RunNotFound,
            error => Error::Store(error),
        })?;
        self.head = page.head;
        let some = !page.rows.is_empty();
        for row in page.rows {
            let event = RunEvent::from_row(&row.kind, &row.payload)
                .map_err(|error| Error::Internal(format!("row {} of {}: {error}", row.seq, self.stream)))?;
            let state = match &mut self.state {
                Some(state) => state,
                none => {
                    let definition = self.definition.take().map_or_else(|| carried(hub, &event), Ok)?;
                    none.insert(RunState::new(definition, Arc::clone(&hub.limits)))
                }
            };
            engine::apply(state, &event, row.seq);
            self.seq = row.seq;
            each(state, &event, &row);
        }
        Ok(some && self.seq < self.head)
    }
}

/// The definition in a first row.
fn carried(hub: &Hub, event: &RunEvent) -> Result<Arc<Definition>, Error> {
    let RunEvent::Started(started) = event else {
        return Err(Error::Internal("a run without a definition".to_owned()));
    };
    let value = started.definition.as_ref();
    let value = value.ok_or_else(|| Error::Internal("a run without a definition".to_owned()))?;
    hub.definitions.accepted(&source_of_embedded(value)).map(Arc::new)
}
