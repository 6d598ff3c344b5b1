//! A registration with a run: told where the run is, then of each row, by the membership of its socket.

use std::sync::Arc;

use super::{
    AckFrame,
    join::{Recent, Watched, ack_frame, subject},
    rows,
};
use crate::{
    delivery::{AddMember, Member, Projection, Register, Shards, Snapshot},
    engine::{self, RunState, RunStatus, Update},
    ids::{HubId, RunId, Seq, WorkflowId},
    protocol::Json,
    store::tables::{registrations::Registration, runs::Run},
    workflow::{Error, Located, hub::Hub, messages::Ask, runs::Runs, watch::Watch},
};

/// Whose registration, and what it is told.
#[derive(Clone)]
pub struct Registrant {
    /// The socket.
    pub member: Member,
    /// Which of its registrations: one of the same key gives way.
    pub key: Arc<str>,
    /// What it is told.
    pub projection: Arc<dyn Projection>,
    /// The run that its registration of this key was with until now.
    pub replaces: Option<RunId>,
    /// The ack, queued before the first frame.
    pub ack: Option<AckFrame>,
}

/// A registration with a run that is there. The right to it is checked before.
#[derive(Clone)]
pub struct Attach {
    /// The run.
    pub run: Located,
    /// Who.
    pub registrant: Registrant,
    /// Only told where the run is.
    pub once: bool,
}

/// The first watcher of a new run: a member before any row of the run is published.
pub struct FirstWatcher {
    /// Who.
    pub registrant: Registrant,
    /// Its row, written with the first rows of the run, whose id it gets.
    pub row: Box<Registration>,
    /// Whose process the socket is of.
    pub hub: HubId,
}

/// What of a run never changes, as registrations are told it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::workflow) struct About {
    pub(in crate::workflow) workflow: Option<WorkflowId>,
    pub(in crate::workflow) title: Arc<str>,
    pub(in crate::workflow) is_test: bool,
}

impl About {
    pub(in crate::workflow) fn of(run: &Run) -> Self {
        let title = Arc::from(run.workflow_title.as_str());
        Self { workflow: run.workflow_id.clone(), title, is_test: run.is_test }
    }
}

/// What a run is asked because of a registration.
pub(in crate::workflow) struct Attaching {
    about: About,
    key: Arc<str>,
    projection: Arc<dyn Projection>,
    replaces: Option<RunId>,
    once: bool,
}

/// A run as registrations are told it; its context is encoded once for all of them.
pub(super) fn snapshot(
    run: &RunId,
    about: &About,
    state: &RunState,
    status: RunStatus,
) -> Result<Snapshot, Error> {
    let context = state.context().clone();
    let json = Json::of(&context).map_err(|error| Error::Internal(format!("a context: {error}")))?;
    let ended = engine::joiner(state, false).into_iter().rev().find_map(|update| match update {
        Update::Status(ended) => Some(ended),
        _ => None,
    });
    Ok(Snapshot {
        run: run.clone(),
        workflow: about.workflow.clone(),
        title: Arc::clone(&about.title),
        is_test: about.is_test,
        status,
        seq: state.seq(),
        context,
        json,
        ended: ended.filter(|_| status.is_terminal()),
    })
}

/// The run's side of it: `state` is committed and published.
pub(super) fn attach(
    run: &RunId,
    shards: &Shards,
    state: &RunState,
    status: RunStatus,
    recent: &mut Recent,
    (member, ack): (Member, Option<AckFrame>),
    new: Attaching,
) -> Result<Watched, Error> {
    let shown = recent.shown(state.seq(), status);
    let snapshot = match shown {
        Some(shown) => shown,
        None => recent.show(Arc::new(snapshot(run, &new.about, state, status)?)),
    };
    let Attaching { key, projection, replaces, once, .. } = new;
    add(shards, Registrant { member, key, projection, replaces, ack }, snapshot, once);
    Ok(Watched::Joined)
}

/// Sends a registration to its socket's worker, which tells it where the run is.
fn add(shards: &Shards, registrant: Registrant, snapshot: Arc<Snapshot>, once: bool) {
    let Registrant { member, key, projection, replaces, ack } = registrant;
    let frames = ack_frame(&snapshot.run, snapshot.status, snapshot.seq, ack.as_ref());
    let (subject, after_seq) = (subject(&snapshot.run), snapshot.seq);
    let replaces = replaces.as_ref().map(super::subject);
    let register = Some(Box::new(Register { key, projection, snapshot, once, replaces }));
    shards.add_member(AddMember { subject, member, after_seq, frames, progress: false, register });
}

/// Makes the first watcher of a new run a member and publishes what its first rows told. `first` is the
/// state after the very first row.
pub(in crate::workflow) fn begin(
    hub: &Hub,
    run: &RunId,
    about: &About,
    registrant: Registrant,
    (first, status): (&RunState, RunStatus),
    updates: Vec<Update>,
) {
    match snapshot(run, about, first, status) {
        Ok(snapshot) => add(&hub.shards, registrant, Arc::new(snapshot), false),
        Err(error) => log::error!(run_id:% = run; "a new run cannot be shown: {error}"),
    }
    let (encoder, at) = (super::Encoder::new(run), hub.clock.now());
    for row in rows(updates).into_iter().filter_map(|row| encoder.row(row, at)) {
        super::publish(&hub.shards, &subject(run), row);
    }
}

impl Runs {
    /// Registers with a run: it is told where the run is, then what happens. With one that has ended
    /// nothing is registered; it is told how that ended.
    pub async fn attach(&self, attach: Attach) -> Result<(), Error> {
        let Attach { run: Located { run }, registrant, once } = attach;
        if run.status.is_terminal() {
            let ended = self.hub.ends.get(&self.hub, &run).await?;
            add(&self.hub.shards, registrant, ended.snapshot(&run)?, once);
            return Ok(());
        }
        let Registrant { member, key, projection, replaces, ack } = registrant;
        let attaching = Attaching { about: About::of(&run), key, projection, replaces, once };
        let watch =
            Watch { member, progress: false, after: None, again: false, ack, attach: Some(attaching) };
        match self.ask(&run.instance_id, |reply| Ask::Watch(Box::new(watch), reply)).await? {
            Watched::Joined => Ok(()),
            Watched::Page(_) | Watched::Behind => {
                Err(Error::Internal("a registration needs no pages".to_owned()))
            }
        }
    }
}

impl Recent {
    /// What registrations were told last, if nothing has happened since.
    fn shown(&self, seq: Seq, status: RunStatus) -> Option<Arc<Snapshot>> {
        let shown = self.shown.as_ref();
        shown.filter(|shown| shown.seq == seq && shown.status == status).cloned()
    }

    fn show(&mut self, snapshot: Arc<Snapshot>) -> Arc<Snapshot> {
        Arc::clone(self.shown.insert(snapshot))
    }
}
