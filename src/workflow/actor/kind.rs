//! Runs as a kind of supervised actors.

use std::sync::Arc;

use super::shell::RunActor;
use crate::{
    ids::RunId,
    supervise::{Kind, Life},
    workflow::{hub::Hub, messages::RunCommand},
};

/// Runs.
pub struct RunKind {
    pub(in crate::workflow) hub: Arc<Hub>,
}

impl Kind for RunKind {
    const NAME: &'static str = "run";
    type Id = RunId;
    type Command = RunCommand;
    type Child = RunActor;

    fn build(&self, life: Life<Self>) -> RunActor {
        let birth = self.hub.births.lock().remove(life.id());
        RunActor::new(Arc::clone(&self.hub), life, birth)
    }
}
