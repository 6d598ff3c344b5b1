//! What nobody needs any more goes: idempotency keys after a week.

use std::time::Duration;

use jiff::SignedDuration;

use crate::{store::tables::keys, workflow::hub::Hub};

/// How long a repeated request is answered with the run that it started.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How often it is looked at.
const EVERY: Duration = Duration::from_secs(3600);

/// Runs as long as the hub.
pub(in crate::workflow) async fn keep_house(hub: std::sync::Weak<Hub>) {
    loop {
        let Some(alive) = hub.upgrade() else { return };
        let before = alive.clock.now() - KEPT;
        match alive.store.write(move |db| keys::forget_before(db, before)).await {
            Ok(0) => {}
            Ok(gone) => log::debug!("{gone} idempotency keys are over a week old and forgotten"),
            Err(error) => log::warn!("idempotency keys cannot be forgotten now: {error}"),
        }
        drop(alive);
        tokio::time::sleep(EVERY).await;
    }
}
