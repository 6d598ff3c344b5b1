//! What systemd hears, when it started the hub; nothing otherwise.

use sd_notify::NotifyState;

fn say(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        log::warn!("systemd cannot be told: {error}");
    }
}

/// The hub is there: migrated, recovered, listening.
pub(in crate::server) fn ready() {
    say(&[NotifyState::Ready]);
}

/// The hub is being stopped.
pub(in crate::server) fn stopping() {
    say(&[NotifyState::Stopping]);
}

/// Tells it at half its patience that the main thread still turns.
pub(in crate::server) fn watchdog() {
    let Some(patience) = sd_notify::watchdog_enabled() else { return };
    actix_rt::spawn(async move {
        let mut turn = tokio::time::interval(patience / 2);
        loop {
            turn.tick().await;
            say(&[NotifyState::Watchdog]);
        }
    });
}
