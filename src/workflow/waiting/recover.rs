//! After a start: wakes the runs that were in the middle of something, by one paged query. A run that
//! waits for a time, a form or an executor elsewhere is not touched, whatever their number.

use std::time::Duration;

use crate::store::tables::runs::{self, RunStatus};
use crate::workflow::{
    Error,
    messages::{Ask, Wake},
    runs::Runs,
};

/// Runs read at once, and on their way up at once.
const PAGE: usize = 256;

impl Runs {
    /// Wakes what must go on after a start: runs with a node in flight, then those that wait for a
    /// place; some hundreds at a time. Returns how many.
    pub async fn recover(&self) -> Result<usize, Error> {
        let (mut after, mut woken, mut waiting) = (None, 0, Vec::new());
        loop {
            let from = after.clone();
            let page = self
                .hub
                .store
                .read(move |db| runs::needing_attention(db, from.as_ref(), PAGE as i64))
                .await?;
            let full = page.len() == PAGE;
            for run in page {
                after = Some(run.instance_id.clone());
                if run.status == RunStatus::Pending {
                    waiting.push((run.started_at, run.tenant_id, run.instance_id));
                    continue;
                }
                let mut ask = Ask::Wake(Wake::GoOn);
                while let Err(back) = self.send(run.instance_id.clone(), ask) {
                    ask = back;
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                woken += 1;
                while self.registry.open() >= PAGE {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
            if !full {
                break;
            }
        }
        // What a parent gave up right before the hub died goes first.
        self.look_after_children().await?;
        waiting.sort();
        woken += waiting.len();
        for (_, tenant, run) in &waiting {
            self.hub.admission.wait_again(tenant, run);
        }
        let mut tenants: Vec<_> = waiting.into_iter().map(|(_, tenant, _)| tenant).collect();
        tenants.dedup();
        for tenant in tenants {
            self.hub.admission.count(&self.hub.store, &tenant).await?;
            self.hub.admit_next(&tenant);
        }
        Ok(woken)
    }
}
