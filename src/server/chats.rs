//! Chat rooms: who answers in them, and what carries out what is approved there.

use std::sync::Arc;

use super::{Error, arbiters::Domain};
use crate::{
    ai::catalogue::{Catalogue, CatalogueAssistant},
    auth::Auth,
    chat::{self, ByConfig, Rooms, tools},
    clock::Clock,
    config::Config,
    datasource::DataSources,
    delivery::Shards,
    outbound::Outbound,
    session::router::OfWorkflows,
    store::Store,
    workflow::{self, Runs},
};

/// What rooms stand on.
pub(super) struct Below<'a> {
    pub config: &'a Config,
    pub store: &'a Store,
    pub shards: &'a Shards,
    pub auth: &'a Auth,
    pub runs: &'a Runs,
    pub sources: &'a DataSources,
    pub outbound: &'a Outbound,
    pub clock: &'a Clock,
}

/// Starts the rooms.
pub(super) fn launch(below: &Below<'_>, domain: &Domain) -> Result<Rooms, Error> {
    let Below { config, clock, .. } = *below;
    let catalogue = Catalogue::new(below.store.clone(), clock.clone());
    let finds = Arc::new(CatalogueAssistant::new(catalogue.clone()));
    let assistants = ByConfig::new(&config.ai, finds, below.outbound, clock)?;
    let hands = tools::Tools::new(tools::Parts {
        auth: below.auth.clone(),
        sources: below.sources.clone(),
        host: Arc::new(OfWorkflows {
            runs: below.runs.clone(),
            catalogue: workflow::Catalogue::new(below.runs.clone()),
        }),
        catalogue,
        store: below.store.clone(),
        ai: config.ai.clone(),
        clock: clock.clone(),
    });
    let parts = chat::Parts {
        store: below.store.clone(),
        shards: below.shards.clone(),
        clock: clock.clone(),
        assistants: Arc::new(assistants),
        hands: Arc::new(hands),
        ai: config.ai.clone(),
        chat: config.chat.clone(),
        retention: config.retention.clone(),
        max_text: config.limits.chat_text.get(),
        supervise: config.supervise.clone(),
    };
    Ok(Rooms::launch(parts, domain.home.clone(), domain.children.clone()))
}
