//! Runs that have ended, as they are read again and again by whoever comes late: one reads the rows,
//! those who come meanwhile or soon after share what it read.

use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
};

use parking_lot::Mutex;
use tokio::sync::OnceCell;

use super::attach::{About, snapshot};
use crate::{
    delivery::Snapshot,
    engine::RunState,
    ids::RunId,
    store::tables::runs::Run,
    workflow::{Error, fold::Fold, hub::Hub},
};

/// Most runs that are kept.
const MOST: usize = 32;
/// Most bytes of their contexts, together.
const MOST_BYTES: usize = 16 << 20;

type Cell = Arc<OnceCell<Arc<Ended>>>;

/// The last ones that were asked for, newest last.
#[derive(Default)]
pub(in crate::workflow) struct Ends(Mutex<VecDeque<(RunId, Cell)>>);

/// One of them. It never changes again.
pub(in crate::workflow) struct Ended {
    pub(in crate::workflow) state: RunState,
    shown: OnceLock<Arc<Snapshot>>,
}

impl Ended {
    /// As registrations are told it.
    pub(super) fn snapshot(&self, run: &Run) -> Result<Arc<Snapshot>, Error> {
        if let Some(shown) = self.shown.get() {
            return Ok(Arc::clone(shown));
        }
        let made = snapshot(&run.instance_id, &About::of(run), &self.state, self.state.status())?;
        Ok(Arc::clone(self.shown.get_or_init(|| Arc::new(made))))
    }
}

impl Ends {
    /// The final state of a run whose row says that it has ended.
    pub(in crate::workflow) async fn get(&self, hub: &Hub, run: &Run) -> Result<Arc<Ended>, Error> {
        let cell = self.cell(&run.instance_id);
        let ended = cell.get_or_try_init(|| read(hub, run)).await?;
        self.trim();
        Ok(Arc::clone(ended))
    }

    /// The run is removed.
    pub(in crate::workflow) fn forget(&self, run: &RunId) {
        self.0.lock().retain(|(known, _)| known != run);
    }

    fn cell(&self, run: &RunId) -> Cell {
        let mut known = self.0.lock();
        if let Some(at) = known.iter().position(|(known, _)| known == run)
            && let Some(found) = known.remove(at)
        {
            known.push_back(found);
        } else {
            known.push_back((run.clone(), Cell::default()));
        }
        known.back().map(|(_, cell)| Arc::clone(cell)).unwrap_or_default()
    }

    fn trim(&self) {
        let mut known = self.0.lock();
        let bytes = |(_, cell): &(RunId, Cell)| cell.get().map_or(0, |end| end.state.context().bytes());
        let mut all: usize = known.iter().map(bytes).sum();
        while known.len() > MOST || all > MOST_BYTES {
            let Some(gone) = known.pop_front() else { return };
            all = all.saturating_sub(bytes(&gone));
        }
    }
}

async fn read(hub: &Hub, run: &Run) -> Result<Arc<Ended>, Error> {
    let mut fold = Fold::begin(hub, run).await?;
    while fold.page(hub, |_, _, _| ()).await? {
        tokio::task::yield_now().await;
    }
    Ok(Arc::new(Ended { state: fold.into_state()?, shown: OnceLock::new() }))
}
