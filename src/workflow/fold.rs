//! A run's state from its rows, page by page: for its actor, a replay, a view.
//!
//! A long run has a snapshot row every thousand rows or so (a large one less often); who wants the state near a row begins at
//! the last snapshot before it, so that the 100 000th row costs what the 1 000th did.

use std::{sync::Arc, time::Instant};

use super::{Error, definitions::source_of_embedded, hub::Hub};
use crate::{
    engine::{self, Definition, RowKind, RunEvent, RunState},
    ids::{Seq, StreamId},
    store::{
        self, Page, Row,
        tables::runs::{Executor, Run},
    },
};

/// Rows of a page.
const PAGE_ROWS: usize = 512;
/// Bytes of a page, so that a thread is not held long.
const PAGE_BYTES: usize = 256 << 10;
/// Rows that are folded without looking for a snapshot.
const SHORT: i64 = 4096;
/// How far before a row the last snapshot is looked for first: the engine's distance and one long
/// append. A large one is further away.
const REACH: i64 = 2048;
/// How much further each time.
const FURTHER: i64 = 4;

/// The fold of a run's rows so far.
pub(super) struct Fold {
    stream: StreamId,
    /// None only until the first row of a run that carries its own definition.
    definition: Option<Arc<Definition>>,
    state: Option<RunState>,
    seq: Seq,
    head: Seq,
    /// A snapshot is looked for: up to this row, from so many rows before it on.
    seeking: Option<(Seq, i64)>,
    /// Its pages may be those that others read, at this time or later.
    shared: Option<Instant>,
}

impl Fold {
    /// Before the first row.
    pub(super) async fn begin(hub: &Hub, run: &Run) -> Result<Self, Error> {
        let definition = match (&run.workflow_id, run.version) {
            (Some(workflow), Some(version)) => {
                Some(hub.definitions.pinned(&hub.store, workflow, version, run.executor).await?)
            }
            _ => None,
        };
        let stream = StreamId::of_run(&run.instance_id);
        Ok(Self {
            stream,
            definition,
            state: None,
            seq: Seq::ZERO,
            head: Seq::ZERO,
            seeking: None,
            shared: None,
        })
    }

    /// Before a row from which on the state is right, at or before `row`; rows before it are not seen.
    pub(super) async fn begin_near(hub: &Hub, run: &Run, row: Seq) -> Result<Self, Error> {
        Self::begin_shared(hub, run, row, None).await
    }

    /// The same with pages that others read, at this time or later.
    pub(super) async fn begin_shared(
        hub: &Hub,
        run: &Run,
        row: Seq,
        not_before: Option<Instant>,
    ) -> Result<Self, Error> {
        let mut fold = Self::begin(hub, run).await?;
        fold.shared = not_before;
        if row.0 < SHORT {
            return Ok(fold);
        }
        if fold.definition.is_none() {
            let first = fold.read(hub, Seq::ZERO, 1).await?;
            let first = first.rows.first().ok_or_else(|| empty(&fold.stream))?;
            fold.definition = Some(carried(hub, &event(&fold.stream, first)?)?);
        }
        fold.seq = Seq(row.0 - REACH);
        fold.seeking = Some((row, REACH));
        Ok(fold)
    }

    /// From now on only pages that are read at this time or later.
    pub(super) fn not_before(&mut self, time: Instant) {
        self.shared = Some(time);
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
        self.state.as_ref().ok_or_else(|| empty(&self.stream))
    }

    /// The state, when nothing more is to be folded.
    pub(super) fn into_state(self) -> Result<RunState, Error> {
        let stream = self.stream;
        self.state.ok_or_else(|| empty(&stream))
    }

    /// Reads and folds one page; `each` sees every row with its event and the state right after it.
    /// False at the head of the stream.
    pub(super) async fn page(
        &mut self,
        hub: &Hub,
        mut each: impl FnMut(&RunState, &RunEvent, &Row),
    ) -> Result<bool, Error> {
        let page = self.read(hub, self.seq, PAGE_ROWS).await?;
        self.head = page.head;
        let some = !page.rows.is_empty();
        for row in &page.rows {
            if let Some((until, _)) = self.seeking {
                if row.seq > until {
                    self.seek_further();
                    return Ok(true);
                }
                if row.kind != RowKind::SystemSet.as_str() {
                    self.seq = row.seq;
                    continue;
                }
            }
            let event = event(&self.stream, row)?;
            if self.seeking.is_some() {
                if !matches!(event, RunEvent::Snapshot(_)) {
                    self.seq = row.seq;
                    continue;
                }
                self.seeking = None;
            }
            let state = match &mut self.state {
                Some(state) => state,
                none => {
                    let definition = self.definition.clone().map_or_else(|| carried(hub, &event), Ok)?;
                    none.insert(RunState::new(definition, Arc::clone(&hub.limits)))
                }
            };
            engine::apply(state, &event, row.seq);
            self.seq = row.seq;
            each(state, &event, row);
        }
        if self.seeking.is_some() && self.seq >= self.head {
            self.seek_further();
            return Ok(true);
        }
        Ok(some && self.seq < self.head)
    }

    /// There is no snapshot in reach: further back, in the end (an external run has none) at the first
    /// row.
    fn seek_further(&mut self) {
        self.seq = Seq::ZERO;
        self.seeking = self.seeking.and_then(|(row, reach)| {
            let reach = reach.saturating_mul(FURTHER);
            self.seq = Seq(row.0.saturating_sub(reach).max(0));
            (self.seq > Seq::ZERO).then_some((row, reach))
        });
    }

    async fn read(&self, hub: &Hub, after: Seq, rows: usize) -> Result<Arc<Page>, Error> {
        let page = match self.shared {
            Some(not_before) => {
                hub.pages.read(hub, (self.stream.clone(), after, rows), PAGE_BYTES, not_before).await
            }
            None => {
                let page = hub.store.journal().read(&self.stream, after, rows, PAGE_BYTES).await;
                page.map(Arc::new).map_err(Error::Store)
            }
        };
        page.map_err(|error| match error {
            Error::Store(store::Error::NotFound) => Error::RunNotFound,
            error => error,
        })
    }
}

fn empty(stream: &StreamId) -> Error {
    Error::Internal(format!("{stream} has no first row"))
}

fn event(stream: &StreamId, row: &Row) -> Result<RunEvent, Error> {
    RunEvent::from_row(&row.kind, &row.payload)
        .map_err(|error| Error::Internal(format!("row {} of {stream}: {error}", row.seq)))
}

/// The definition in a first row.
fn carried(hub: &Hub, event: &RunEvent) -> Result<Arc<Definition>, Error> {
    let RunEvent::Started(started) = event else {
        return Err(Error::Internal("a run without a definition".to_owned()));
    };
    let value = started.definition.as_ref();
    let value = value.ok_or_else(|| Error::Internal("a run without a definition".to_owned()))?;
    let executor = if started.external { Executor::External } else { Executor::Internal };
    hub.definitions.accepted(&source_of_embedded(value), executor).map(Arc::new)
}
