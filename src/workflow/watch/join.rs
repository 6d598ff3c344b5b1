//! A join, from the socket's side and from the run's.

use std::{collections::VecDeque, sync::Arc};

use super::{
    Encoded, Encoder,
    attach::{Attaching, attach},
    replay,
};
use crate::{
    delivery::{AddMember, Member, Publish, Shards, Snapshot, Subject},
    engine::{self, RunState, RunStatus, Update},
    ids::{RunId, Seq, StreamId},
    protocol::{
        events::{self, JoinAck},
        frame::Frame,
    },
    workflow::{Error, Located, messages::Ask, runs::Runs, view::engine_status},
};

/// Makes the frame of a join's ack; `None` when there is nothing to send.
pub type AckFrame = Arc<dyn Fn(&JoinAck) -> Option<Frame> + Send + Sync>;

/// Largest snapshot that is put into a queue in one step; a larger one is paged.
const ONE_STEP_BYTES: usize = 512 << 10;
/// The same in frames.
const ONE_STEP_FRAMES: usize = 200;
/// Rows kept for joiners that page, so that they catch up with a run that is faster than they are.
const RECENT_ROWS: usize = 256;
/// The same in bytes.
const RECENT_BYTES: usize = 1 << 20;

/// A socket wants to watch a run. Its right to is checked before.
#[derive(Clone)]
pub struct Join {
    /// The run.
    pub run: Located,
    /// The socket.
    pub member: Member,
    /// Only what is after it, all of it; none: the last update of each node.
    pub since: Option<Seq>,
    /// Also updates of nodes that begin or wait.
    pub progress: bool,
    /// The socket watches this run already: no snapshot, unless `since` asks for one.
    pub again: bool,
    /// The ack, queued before the first frame.
    pub ack: Option<AckFrame>,
}

/// What a run is asked because of a join.
pub(in crate::workflow) struct Watch {
    pub(in crate::workflow) member: Member,
    pub(in crate::workflow) progress: bool,
    /// The last row that the socket was sent; none: it was sent nothing and gets the snapshot.
    pub(in crate::workflow) after: Option<Seq>,
    /// It watches already and only chooses anew whether it wants progress.
    pub(in crate::workflow) again: bool,
    /// For the snapshot.
    pub(in crate::workflow) ack: Option<AckFrame>,
    /// It is a registration, which is told where the run is instead.
    pub(in crate::workflow) attach: Option<Attaching>,
}

/// What came of it.
pub(in crate::workflow) enum Watched {
    /// It has everything, and gets what comes.
    Joined,
    /// The snapshot of this state is too large for one step: page it, then ask again.
    Page(Box<RunState>),
    /// Rows are missing: read them, then ask again.
    Behind,
}

/// The last rows of a run, kept while joiners are on their way.
#[derive(Default)]
pub(in crate::workflow) struct Recent {
    rows: VecDeque<Encoded>,
    /// Everything after this row is there.
    after: Option<Seq>,
    bytes: usize,
    /// What registrations were told last.
    pub(super) shown: Option<Arc<Snapshot>>,
}

impl Recent {
    /// Joiners are on their way: keep what comes after `head`.
    pub(in crate::workflow) fn keep_after(&mut self, head: Seq) {
        self.after.get_or_insert(head);
    }

    /// Whether rows are to be kept.
    pub(in crate::workflow) fn is_on(&self) -> bool {
        self.after.is_some()
    }

    /// Nobody is on their way any more.
    pub(in crate::workflow) fn stop(&mut self) {
        *self = Self::default();
    }

    /// A row was committed.
    pub(in crate::workflow) fn push(&mut self, row: &Encoded) {
        if self.after.is_none() {
            return;
        }
        let row = Encoded { row: None, ..row.clone() };
        self.bytes += row.cost();
        self.rows.push_back(row);
        while self.rows.len() > RECENT_ROWS || self.bytes > RECENT_BYTES {
            let Some(gone) = self.rows.pop_front() else { break };
            self.bytes -= gone.cost();
            self.after = Some(gone.seq);
        }
    }

    /// What a member that has everything up to `seq` misses, if all of it is here.
    pub(in crate::workflow) fn since(&self, seq: Seq, progress: bool) -> Option<Vec<Frame>> {
        let after = self.after?;
        (after <= seq).then(|| {
            let missing = self.rows.iter().filter(|row| row.seq > seq).cloned();
            missing.flat_map(|row| row.for_member(progress)).collect()
        })
    }
}

/// The run's side of a join: `state` is committed and published.
pub(in crate::workflow) fn watch(
    run: &RunId,
    shards: &Shards,
    state: &RunState,
    status: RunStatus,
    recent: &mut Recent,
    watch: Watch,
) -> Result<Watched, Error> {
    if let Some(new) = watch.attach {
        return attach(run, shards, state, status, recent, (watch.member, watch.ack), new);
    }
    let head = state.seq();
    let frames = match watch.after {
        None if watch.again => ack_frame(run, status, head, watch.ack.as_ref()),
        None => {
            let updates = engine::joiner(state, watch.progress);
            if is_large(&updates) {
                recent.keep_after(head);
                return Ok(Watched::Page(Box::new(state.clone())));
            }
            let mut frames = ack_frame(run, status, head, watch.ack.as_ref());
            frames.extend(encode(&Encoder::new(run), &updates, watch.progress));
            frames
        }
        // A replay that read what this actor has not heard of yet.
        Some(seq) if seq >= head => Vec::new(),
        Some(seq) => match recent.since(seq, watch.progress) {
            Some(frames) => frames,
            None => {
                recent.keep_after(head);
                return Ok(Watched::Behind);
            }
        },
    };
    if status.is_terminal() {
        // Nothing comes any more.
        for frame in frames {
            shards.direct(&watch.member, frame);
        }
    } else {
        shards.add_member(AddMember {
            subject: subject(run),
            // Who watches already has its own place, which is never set back.
            after_seq: if watch.again { Seq::ZERO } else { watch.after.map_or(head, |seq| seq.max(head)) },
            member: watch.member,
            frames,
            progress: watch.progress,
            register: None,
        });
    }
    Ok(Watched::Joined)
}

/// Updates, one group a row.
pub(in crate::workflow) fn rows(updates: Vec<Update>) -> Vec<Vec<Update>> {
    let mut rows: Vec<Vec<Update>> = Vec::new();
    for update in updates {
        match rows.last_mut() {
            Some(row) if row.first().is_some_and(|first| first.seq() == update.seq()) => row.push(update),
            _ => rows.push(vec![update]),
        }
    }
    rows
}

/// Hands a committed row to the workers that have watchers.
pub(in crate::workflow) fn publish(shards: &Shards, subject: &Subject, row: Encoded) {
    shards.publish(Publish {
        subject: subject.clone(),
        seq: row.seq,
        frame: row.frame,
        progress_frame: row.progress,
        row: row.row,
        tail: row.tail,
        terminal: row.terminal,
    });
}

/// What watchers of a run watch.
pub(in crate::workflow) fn subject(run: &RunId) -> Subject {
    StreamId::of_run(run)
}

/// The frames of a snapshot.
pub(super) fn encode(encoder: &Encoder, updates: &[Update], progress: bool) -> Vec<Frame> {
    updates
        .iter()
        .filter_map(|update| encoder.encode(update, true))
        .flat_map(|row| row.for_member(progress))
        .collect()
}

/// The ack as the first frame of a snapshot.
pub(super) fn ack_frame(run: &RunId, status: RunStatus, seq: Seq, ack: Option<&AckFrame>) -> Vec<Frame> {
    ack.and_then(|ack| ack(&JoinAck::new(run, wire_status(status), seq))).into_iter().collect()
}

fn wire_status(status: RunStatus) -> events::RunStatus {
    match status {
        RunStatus::Pending => events::RunStatus::Pending,
        RunStatus::Running => events::RunStatus::Running,
        RunStatus::Completed => events::RunStatus::Completed,
        RunStatus::Failed => events::RunStatus::Failed,
        RunStatus::Cancelled => events::RunStatus::Cancelled,
    }
}

/// About as many bytes as its frames have, without building them.
pub(super) fn weight(update: &Update) -> usize {
    match update {
        Update::Node(node) => {
            // The output is as a rule a part of the context.
            256 + node.context.as_ref().map_or(0, |context| context.bytes().saturating_mul(2))
        }
        Update::Progress(_) => 256,
        Update::Request(request) => {
            512 + serde_json::to_string(&request.request.config).map_or(0, |text| text.len())
        }
        Update::Status(status) => 256 + status.context.bytes().saturating_mul(2),
    }
}

fn is_large(updates: &[Update]) -> bool {
    updates.len() > ONE_STEP_FRAMES || updates.iter().map(weight).sum::<usize>() > ONE_STEP_BYTES
}

impl Runs {
    /// Watches a run: ack, what happened, then what happens, without gap or repeat. It ends when the
    /// socket has joined, or has been sent all of a run that is over.
    pub async fn join(&self, join: Join) -> Result<(), Error> {
        let run = &join.run.run;
        let id = &run.instance_id;
        let again = join.again && join.since.is_none();
        if again && run.status.is_terminal() {
            let head = self.head(id).await?;
            let status = engine_status(run.status);
            for frame in ack_frame(id, status, head, join.ack.as_ref()) {
                self.hub.shards.direct(&join.member, frame);
            }
            return Ok(());
        }
        if join.again && !again {
            // Else what is live would come between what is replayed.
            self.leave(id, &join.member);
        }
        if run.status.is_terminal() && join.since.is_none() {
            let ended = self.hub.ends.get(&self.hub, run).await?;
            replay::snapshot(&self.hub, &join, &ended.state).await?;
            return Ok(());
        }
        let mut replayed = None;
        if join.since.is_some() {
            self.hub.shards.hold_member(&subject(id), &join.member);
            let reached = replay::journal(&self.hub, &join, None).await?;
            if reached.terminal {
                return Ok(());
            }
            replayed = Some(reached);
        }
        loop {
            let watch = Watch {
                member: join.member.clone(),
                progress: join.progress,
                after: replayed.as_ref().map(|reached| reached.seq),
                again,
                ack: join.ack.clone(),
                attach: None,
            };
            match self.ask(id, |reply| Ask::Watch(Box::new(watch), reply)).await? {
                Watched::Joined => return Ok(()),
                Watched::Page(state) => {
                    self.hub.shards.hold_member(&subject(id), &join.member);
                    replayed = Some(replay::snapshot(&self.hub, &join, &state).await?);
                }
                Watched::Behind => {
                    let reached = replay::journal(&self.hub, &join, replayed.take()).await?;
                    if reached.terminal {
                        return Ok(());
                    }
                    replayed = Some(reached);
                }
            }
        }
    }

    /// Watches no more. It cannot overtake a join: that one has ended only when its member is on its
    /// way to the shard, and a session's events are carried out one after the other. So a waiting run
    /// is not woken for it.
    pub fn leave(&self, run: &RunId, member: &Member) {
        self.hub.shards.remove_member(&subject(run), member);
    }

    async fn head(&self, run: &RunId) -> Result<Seq, Error> {
        let stream = StreamId::of_run(run);
        let page = self.hub.store.journal().read(&stream, Seq(i64::MAX), 1, 1).await?;
        Ok(page.head)
    }
}
