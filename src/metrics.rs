//! The registry of metrics: one struct a module, registered once, written at `/metrics`.
//!
//! Names start with `jethub_`. Labels come from closed sets of ours, never from user input
//! (`faults.md` A58). A module adds its struct here and its fields there.

use std::sync::OnceLock;

use parking_lot::Mutex;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// A label `reason` from a closed set.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Reason {
    /// Lower-case words with underscores.
    pub reason: &'static str,
}

/// A label `id`, for invariants (`N1` … `N5`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Id {
    /// The number of the rule.
    pub id: &'static str,
}

/// A label `kind`, for actors, node types, events.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct KindLabel {
    /// One of a closed set.
    pub kind: &'static str,
}

/// Sessions and their transports.
#[derive(Default)]
pub struct Sessions {
    /// Open sessions by transport (`polling`, `websocket`, `mounted`).
    pub open: Family<KindLabel, Gauge>,
    /// Refused handshakes by reason.
    pub refused: Family<Reason, Counter>,
    /// Ended sessions by close reason.
    pub closed: Family<Reason, Counter>,
    /// Packets that broke a rule of the protocol, by rule.
    pub protocol_errors: Family<Reason, Counter>,
    /// Client events by name (known names only; others are `unknown`).
    pub events_in: Family<KindLabel, Counter>,
}

/// Queues between a committed row and a socket.
#[derive(Default)]
pub struct Delivery {
    /// Frames put into outbound queues.
    pub frames: Counter,
    /// Bytes that wait in outbound queues.
    pub queued_bytes: Gauge,
    /// Members of all subjects.
    pub members: Gauge,
    /// Frames dropped or coalesced, by policy.
    pub dropped: Family<Reason, Counter>,
}

/// The journal and its database.
pub struct JournalMetrics {
    /// Rows committed.
    pub rows: Counter,
    /// Pages of streams read: by actors that load, by replays, by views.
    pub reads: Counter,
    /// Transactions committed.
    pub commits: Counter,
    /// Appends refused, by reason.
    pub refused: Family<Reason, Counter>,
    /// Rows that wait.
    pub queue_rows: Gauge,
    /// Settings of the database that break a promise of the hub.
    pub broken_promises: Gauge,
    /// Seconds from taking a batch to its commit.
    pub commit_seconds: Histogram,
    /// Rows a batch.
    pub batch_rows: Histogram,
}

impl Default for JournalMetrics {
    fn default() -> Self {
        Self {
            rows: Counter::default(),
            reads: Counter::default(),
            commits: Counter::default(),
            refused: Family::default(),
            queue_rows: Gauge::default(),
            broken_promises: Gauge::default(),
            commit_seconds: Histogram::new([
                0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0,
            ]),
            batch_rows: Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0]),
        }
    }
}

/// Actors under a registry.
#[derive(Default)]
pub struct Actors {
    /// Living children by kind.
    pub alive: Family<KindLabel, Gauge>,
    /// Restarts by reason (`panic`, `admin`, `stuck`).
    pub restarts: Family<Reason, Counter>,
    /// Children in a crash loop by kind.
    pub crash_looping: Family<KindLabel, Gauge>,
}

/// Workflow runs.
#[derive(Default)]
pub struct Runs {
    /// Runs started.
    pub started: Counter,
    /// Runs ended, by status.
    pub ended: Family<KindLabel, Counter>,
    /// Runs that have a place among their tenant's active ones.
    pub active: Gauge,
    /// Runs that wait for such a place.
    pub queued: Gauge,
    /// Node attempts ended, by result.
    pub nodes: Family<Reason, Counter>,
    /// Results dropped because their attempt was over.
    pub late_results: Counter,
}

/// JavaScript workers.
#[derive(Default)]
pub struct Scripts {
    /// Executions by result.
    pub executions: Family<Reason, Counter>,
    /// Workers killed and replaced, by reason.
    pub killed: Family<Reason, Counter>,
    /// Executions that wait for a worker.
    pub queued: Gauge,
}

/// A query of a data source: what it was asked of, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct QueryLabel {
    /// `postgresql`, `mysql`, `sqlite`, `http`, `service`; `none` when it came to no source.
    pub kind: &'static str,
    /// `ok` or the code of the error.
    pub outcome: &'static str,
}

/// Queries of data sources.
pub struct Queries {
    /// Queries ended.
    pub ended: Family<QueryLabel, Counter>,
    /// Seconds from the question to its answer, with what it waited.
    pub seconds: Family<QueryLabel, Histogram, fn() -> Histogram>,
}

/// What assistants find by words.
pub struct Catalogue {
    /// Seconds from a question to its answer; a load of the tenant is in it.
    pub seconds: Histogram,
    /// Tenants read from the database.
    pub loads: Counter,
    /// Tenants in memory.
    pub tenants: Gauge,
    /// Their entries.
    pub entries: Gauge,
}

impl Default for Catalogue {
    fn default() -> Self {
        let seconds = Histogram::new([0.0005, 0.001, 0.002, 0.005, 0.02, 0.1, 0.5, 2.0]);
        Self { seconds, loads: Counter::default(), tenants: Gauge::default(), entries: Gauge::default() }
    }
}

impl Default for Queries {
    fn default() -> Self {
        let buckets: fn() -> Histogram =
            || Histogram::new([0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 30.0, 120.0]);
        Self { ended: Family::default(), seconds: Family::new_with_constructor(buckets) }
    }
}

/// Assistants of chat rooms.
#[derive(Default)]
pub struct Ai {
    /// Calls of model endpoints, by result.
    pub calls: Family<Reason, Counter>,
    /// Tokens that endpoints have counted (or the hub, where they do not), `in` and `out`.
    pub tokens: Family<KindLabel, Counter>,
    /// Calls of tools by models, by result.
    pub tools: Family<Reason, Counter>,
}

/// Labels of a turn of a chat room.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TurnLabel {
    /// Who answered: the assistant's name.
    pub assistant: &'static str,
    /// `ok`, `late`, `limited`, `error`.
    pub outcome: &'static str,
}

/// Chat rooms.
pub struct Chat {
    /// Turns ended, by assistant and outcome.
    pub turns: Family<TurnLabel, Counter>,
    /// Seconds a turn, without the wait for its place.
    pub turn_seconds: Histogram,
    /// Proposals ended, by how.
    pub proposals: Family<KindLabel, Counter>,
}

impl Default for Chat {
    fn default() -> Self {
        Self {
            turns: Family::default(),
            turn_seconds: Histogram::new([0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 5.0, 20.0, 60.0, 120.0]),
            proposals: Family::default(),
        }
    }
}

/// Credentials.
#[derive(Default)]
pub struct Auth {
    /// Verified credentials, by result.
    pub verified: Family<Reason, Counter>,
    /// JWKS fetches, by result.
    pub jwks: Family<Reason, Counter>,
}

/// All metrics of the process.
pub struct Metrics {
    registry: Mutex<Registry>,
    /// Sessions.
    pub sessions: Sessions,
    /// Delivery.
    pub delivery: Delivery,
    /// Journal.
    pub journal: JournalMetrics,
    /// Actors.
    pub actors: Actors,
    /// Runs.
    pub runs: Runs,
    /// Scripts.
    pub scripts: Scripts,
    /// Queries of data sources.
    pub queries: Queries,
    /// Assistants.
    pub ai: Ai,
    /// What assistants find.
    pub catalogue: Catalogue,
    /// Chat rooms.
    pub chat: Chat,
    /// Credentials.
    pub auth: Auth,
    /// Broken invariants by number; anything but 0 is a defect of the hub.
    pub invariant_violations: Family<Id, Counter>,
}

impl Metrics {
    fn new() -> Self {
        let metrics = Self {
            registry: Mutex::new(Registry::with_prefix("jethub")),
            sessions: Sessions::default(),
            delivery: Delivery::default(),
            journal: JournalMetrics::default(),
            actors: Actors::default(),
            runs: Runs::default(),
            scripts: Scripts::default(),
            queries: Queries::default(),
            ai: Ai::default(),
            catalogue: Catalogue::default(),
            chat: Chat::default(),
            auth: Auth::default(),
            invariant_violations: Family::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&self) {
        let mut registry = self.registry.lock();
        let r = &mut *registry;
        let s = &self.sessions;
        r.register("sessions_open", "Open sessions by transport", s.open.clone());
        r.register("handshakes_refused", "Refused handshakes by reason", s.refused.clone());
        r.register("sessions_closed", "Ended sessions by close reason", s.closed.clone());
        r.register("protocol_errors", "Packets against the protocol, by rule", s.protocol_errors.clone());
        r.register("events_in", "Client events by name", s.events_in.clone());
        let d = &self.delivery;
        r.register("frames_queued", "Frames put into outbound queues", d.frames.clone());
        r.register("outbound_queue_bytes", "Bytes waiting in outbound queues", d.queued_bytes.clone());
        r.register("members", "Members of all subjects", d.members.clone());
        r.register("frames_dropped", "Frames dropped or coalesced, by policy", d.dropped.clone());
        let j = &self.journal;
        r.register("journal_rows", "Rows committed", j.rows.clone());
        r.register("journal_commits", "Transactions committed", j.commits.clone());
        r.register("journal_refused", "Appends refused, by reason", j.refused.clone());
        r.register("journal_queue_rows", "Rows waiting for the journal", j.queue_rows.clone());
        r.register("broken_promises", "Database settings that break a promise", j.broken_promises.clone());
        r.register("journal_commit_seconds", "Seconds a commit", j.commit_seconds.clone());
        r.register("journal_reads", "Pages of streams read", j.reads.clone());
        r.register("journal_batch_rows", "Rows a batch", j.batch_rows.clone());
        let a = &self.actors;
        r.register("actors_alive", "Living actors by kind", a.alive.clone());
        r.register("actor_restarts", "Restarts of actors by reason", a.restarts.clone());
        r.register("actors_crash_looping", "Actors held back by kind", a.crash_looping.clone());
        let w = &self.runs;
        r.register("runs_started", "Workflow runs started", w.started.clone());
        r.register("runs_ended", "Workflow runs ended, by status", w.ended.clone());
        r.register("runs_active", "Workflow runs that have a place", w.active.clone());
        r.register("runs_queued", "Workflow runs that wait for a place", w.queued.clone());
        r.register("node_executions", "Node attempts ended, by result", w.nodes.clone());
        r.register("late_results", "Results dropped, their attempt was over", w.late_results.clone());
        let x = &self.ai;
        r.register("ai_calls", "Calls of model endpoints, by result", x.calls.clone());
        r.register("ai_tokens", "Tokens counted by model endpoints, in and out", x.tokens.clone());
        r.register("ai_tools", "Calls of tools by models, by result", x.tools.clone());
        let x = &self.catalogue;
        r.register("catalogue_seconds", "Seconds a search of a catalogue, with its load", x.seconds.clone());
        r.register("catalogue_loads", "Catalogues of tenants read", x.loads.clone());
        r.register("catalogue_tenants", "Tenants whose catalogue is in memory", x.tenants.clone());
        r.register("catalogue_entries", "Entries of catalogues in memory", x.entries.clone());
        let x = &self.chat;
        r.register("chat_turns", "Turns of chat rooms, by assistant and outcome", x.turns.clone());
        r.register("chat_turn_seconds", "Seconds a turn of a chat room", x.turn_seconds.clone());
        r.register("chat_proposals", "Proposals ended, by how", x.proposals.clone());
        let x = &self.scripts;
        r.register("script_executions", "Script executions by result", x.executions.clone());
        r.register("script_workers_killed", "Script workers killed, by reason", x.killed.clone());
        r.register("script_queue", "Script executions waiting for a worker", x.queued.clone());
        let q = &self.queries;
        r.register("data_queries", "Data queries ended, by kind and outcome", q.ended.clone());
        r.register("data_query_seconds", "Seconds a data query, by kind and outcome", q.seconds.clone());
        let c = &self.auth;
        r.register("credentials_verified", "Verified credentials by result", c.verified.clone());
        r.register("jwks_fetches", "JWKS fetches by result", c.jwks.clone());
        r.register("invariant_violations", "Broken invariants by number", self.invariant_violations.clone());
    }

    /// The registry in OpenMetrics text.
    pub fn render(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry.lock())?;
        Ok(text)
    }
}

/// The metrics of this process.
pub fn metrics() -> &'static Metrics {
    static METRICS: OnceLock<Metrics> = OnceLock::new();
    METRICS.get_or_init(Metrics::new)
}

/// Counts a broken invariant (`N1` … `N5`, `design.md`) and panics in debug builds, so that a
/// test that breaks one fails, and a release goes on and shows it.
pub fn invariant_violated(id: &'static str, what: &str) {
    metrics().invariant_violations.get_or_create(&Id { id }).inc();
    log::error!(invariant = id; "broken invariant {id}: {what}");
    debug_assert!(false, "broken invariant {id}: {what}");
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_text_ends_as_openmetrics_demands() {
        let text = super::metrics().render().unwrap();
        assert!(text.contains("jethub_journal_rows_total"));
        assert!(text.ends_with("# EOF\n"));
    }
}
