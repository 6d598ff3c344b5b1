//! Administration without a running hub: the same requests, on the database itself, under the lock
//! that a hub would hold.

use std::sync::Arc;

use super::output::Failure;
use crate::{
    auth::{Auth, By, directory::StoreDirectory},
    clock::Clock,
    config::Config,
    http::{
        self,
        control::{ControlReply, ControlRequest},
    },
    ids::HubId,
    store::{self, Store},
};

/// Opens the database (it is made and migrated if need be), carries the request out, closes it.
pub(super) fn carry_out(config: &Config, request: ControlRequest) -> Result<ControlReply, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(error.to_string());
    let clock = Clock::real();
    let state_dir = &config.server.state_dir;
    let opened = Store::open(&config.database, &config.journal, state_dir, HubId::generate(), clock.clone());
    let store = opened.map_err(|error| match error {
        store::Error::Locked(path) => Failure::Failed(format!(
            "{} is in use, but its hub does not answer (it starts or stops just now): try again",
            path.display()
        )),
        error => failed(&error),
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| failed(&error))?.block_on(async {
        let auth = Auth::offline(Arc::new(StoreDirectory::new(store.clone())), clock.clone());
        let who = format!("cli:{}", rustix::process::getuid().as_raw());
        let reply = http::carry_out(&auth, &By { who, request: None, ip: None }, &clock, request).await;
        store.close().await;
        Ok(reply)
    })
}
