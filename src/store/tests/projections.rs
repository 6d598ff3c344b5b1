//! Projections: there if and only if their rows are.

use super::bed::{append, at, both, first, new_run, next, open, stream};
use crate::{
    ids::{RunId, Seq, TenantId},
    store::{
        Append, Connection, Error, Projection, Store, Unique,
        tables::{
            ListPage, keys,
            runs::{self, Executor, RunChange, RunFilter, RunStatus},
            timers,
        },
    },
};

async fn look<T: Send + 'static>(
    store: &Store,
    f: impl FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
) -> T {
    store.read(f).await.unwrap()
}

fn run(id: &str) -> RunId {
    RunId::trusted(id)
}

fn inserted(id: &str) -> Projection {
    Projection::RunInserted(Box::new(new_run(id, "t")))
}

#[test]
fn a_run_and_its_first_row_are_one() {
    both(async |database| {
        let store = open(database);
        append(&store, Append { projections: vec![inserted("a")], ..first("run:a", 1) }).await.unwrap();
        let found = look(&store, |c| runs::find(c, &run("a"))).await.unwrap();
        assert_eq!((found.status, found.attention, found.started_at), (RunStatus::Running, true, at(0)));
        // The same run under another stream: neither its row nor its stream is left.
        let twice = append(&store, Append { projections: vec![inserted("a")], ..first("run:b", 1) }).await;
        assert!(matches!(twice, Err(Error::Duplicate(Unique::Run))), "{twice:?}");
        let gone = store.journal().read(&stream("run:b"), Seq::ZERO, 1, 1).await;
        assert!(matches!(gone, Err(Error::NotFound)));
    });
}

#[test]
fn a_run_moves_with_its_rows() {
    both(async |database| {
        let store = open(database);
        append(&store, Append { projections: vec![inserted("a")], ..first("run:a", 1) }).await.unwrap();
        append(&store, Append { projections: vec![inserted("b")], ..first("run:b", 1) }).await.unwrap();
        let waiting = Projection::RunAttention { run: run("b"), on: false };
        append(&store, Append { projections: vec![waiting], ..next("run:b", 1, 1) }).await.unwrap();
        let woken = look(&store, |c| runs::needing_attention(c, None, 10)).await;
        assert_eq!(woken.iter().map(|run| run.instance_id.as_str()).collect::<Vec<_>>(), ["a"]);
        let change = RunChange {
            status: RunStatus::Failed,
            attention: false,
            completed_at: Some(at(9)),
            error: Some("Node n3 failed".to_owned()),
            error_code: Some("NODE_FAILED".to_owned()),
        };
        let changed = Projection::RunChanged { run: run("a"), change: Box::new(change) };
        append(&store, Append { projections: vec![changed], ..next("run:a", 1, 1) }).await.unwrap();
        let found = look(&store, |c| runs::find(c, &run("a"))).await.unwrap();
        assert_eq!((found.status, found.completed_at), (RunStatus::Failed, Some(at(9))));
        assert_eq!(found.error_code.as_deref(), Some("NODE_FAILED"));
        assert_eq!(look(&store, |c| runs::needing_attention(c, None, 10)).await, []);
        let tenant = TenantId::trusted("t");
        assert_eq!(
            look(&store, {
                let t = tenant.clone();
                move |c| Ok(runs::running(c, &t, Executor::Internal)?.len())
            })
            .await,
            1
        );
        let failed = RunFilter { status: Some(RunStatus::Failed), ..RunFilter::default() };
        let listed = look(&store, move |c| runs::list(c, &tenant, &failed, &ListPage::default())).await;
        assert_eq!((listed.total, listed.rows.len()), (1, 1));
    });
}

#[test]
fn timers_are_set_moved_and_cleared() {
    both(async |database| {
        let store = open(database);
        let set = |key: &str, second| Projection::Timer { key: key.to_owned(), due_at: at(second) };
        let timers = vec![set("a", 10), set("b", 20), set("c", 30)];
        append(&store, Append { projections: timers, ..first("run:a", 1) }).await.unwrap();
        append(&store, Append { projections: vec![set("a", 20)], ..first("run:b", 1) }).await.unwrap();
        let changes = vec![
            set("a", 25),
            Projection::TimerDone { key: "b".to_owned() },
            Projection::TimerDone { key: "never".to_owned() },
        ];
        append(&store, Append { projections: changes, ..next("run:a", 1, 1) }).await.unwrap();
        let mut seen = Vec::new();
        let mut last = None;
        loop {
            let after = last.take();
            let page = look(&store, move |c| timers::due(c, "run:", at(30), after.as_ref(), 1)).await;
            let Some(timer) = page.into_iter().next() else { break };
            seen.push((timer.stream.to_string(), timer.key.clone(), timer.due_at));
            last = Some(timer);
        }
        let timer = |stream: &str, key: &str, second| (stream.to_owned(), key.to_owned(), at(second));
        assert_eq!(seen, [timer("run:b", "a", 20), timer("run:a", "a", 25), timer("run:a", "c", 30)]);
        assert_eq!(look(&store, |c| timers::due(c, "run:", at(24), None, 10)).await.len(), 1);
        append(&store, Append { projections: vec![set("a", 5)], ..first("room:a", 1) }).await.unwrap();
        let of_rooms = look(&store, |c| timers::due(c, "room:", at(99), None, 10)).await;
        assert_eq!(of_rooms.iter().map(|timer| timer.stream.as_str()).collect::<Vec<_>>(), ["room:a"]);
        append(&store, Append { projections: vec![Projection::TimersCleared], ..next("run:a", 2, 1) })
            .await
            .unwrap();
        assert_eq!(look(&store, |c| timers::due(c, "run:", at(99), None, 10)).await.len(), 1);
    });
}

#[test]
fn keys_make_a_repeated_request_one() {
    both(async |database| {
        let store = open(database);
        let idempotency = |scope: &str| Projection::IdempotencyKey {
            scope: scope.to_owned(),
            key: "k".to_owned(),
            value: "{\"instanceID\":\"a\"}".to_owned(),
            at: at(5),
        };
        append(&store, Append { projections: vec![idempotency("t")], ..first("run:a", 1) }).await.unwrap();
        let again = append(&store, Append { projections: vec![idempotency("t")], ..first("run:b", 1) }).await;
        assert!(matches!(again, Err(Error::Duplicate(Unique::IdempotencyKey))), "{again:?}");
        append(&store, Append { projections: vec![idempotency("u")], ..first("run:b", 1) }).await.unwrap();
        let value = look(&store, |c| keys::idempotent(c, "t", "k")).await;
        assert_eq!(value.as_deref(), Some("{\"instanceID\":\"a\"}"));
        assert_eq!(look(&store, |c| keys::idempotent(c, "t", "other")).await, None);

        let ingest = |id: &str, key: &str, seq| Projection::IngestKey {
            run: run(id),
            key: key.to_owned(),
            seq: Seq(seq),
        };
        let two = vec![ingest("a", "x", 2), ingest("a", "y", 3)];
        append(&store, Append { projections: two, ..next("run:a", 1, 2) }).await.unwrap();
        let again =
            append(&store, Append { projections: vec![ingest("a", "y", 4)], ..next("run:a", 3, 1) }).await;
        assert!(matches!(again, Err(Error::Duplicate(Unique::IngestKey))), "{again:?}");
        append(&store, Append { projections: vec![ingest("b", "y", 2)], ..next("run:b", 1, 1) })
            .await
            .unwrap();
        let wanted: Vec<String> = (0..1200).map(|n| format!("{n}")).chain(["y".to_owned()]).collect();
        let found = look(&store, move |c| keys::ingested(c, &run("a"), &wanted)).await;
        assert_eq!(found, [("y".to_owned(), Seq(3))]);

        let forgotten = store.write(|c| keys::forget_before(c, at(6))).await.unwrap();
        assert_eq!(forgotten, 2);
    });
}

#[test]
fn a_removed_run_leaves_nothing() {
    both(async |database| {
        let store = open(database);
        let all = vec![
            inserted("a"),
            Projection::Timer { key: "t".to_owned(), due_at: at(1) },
            Projection::IngestKey { run: run("a"), key: "k".to_owned(), seq: Seq(1) },
        ];
        append(&store, Append { projections: all, ..first("run:a", 3) }).await.unwrap();
        store.write(|c| runs::remove(c, &run("a"))).await.unwrap();
        assert_eq!(look(&store, |c| runs::find(c, &run("a"))).await, None);
        assert_eq!(look(&store, |c| timers::due(c, "run:", at(99), None, 10)).await, []);
        assert_eq!(look(&store, |c| keys::ingested(c, &run("a"), &["k".to_owned()])).await, []);
        let late = append(&store, next("run:a", 3, 1)).await;
        assert!(matches!(late, Err(Error::Fenced)), "{late:?}");
        let twice = store.write(|c| runs::remove(c, &run("a"))).await;
        assert!(matches!(twice, Err(Error::NotFound)));
        // Nothing of the old life is left over: the name may be used again.
        append(&store, first("run:a", 1)).await.unwrap();
    });
}

#[test]
fn a_nul_in_a_text_for_people_refuses_no_row() {
    both(async |database| {
        let store = open(database);
        let mut new = new_run("a", "t");
        new.workflow_title = "Ti\0tle".to_owned();
        let made = Projection::RunInserted(Box::new(new));
        append(&store, Append { projections: vec![made], ..first("run:a", 1) }).await.unwrap();
        let change = RunChange {
            status: RunStatus::Failed,
            attention: false,
            completed_at: Some(at(9)),
            error: Some("a\0b".to_owned()),
            error_code: Some("JS\0ERROR".to_owned()),
        };
        let changed = Projection::RunChanged { run: run("a"), change: Box::new(change) };
        append(&store, Append { projections: vec![changed], ..next("run:a", 1, 1) }).await.unwrap();
        let found = look(&store, |c| runs::find(c, &run("a"))).await.unwrap();
        assert_eq!(found.workflow_title, "Ti\u{fffd}tle");
        assert_eq!((found.status, found.error.as_deref()), (RunStatus::Failed, Some("a\u{fffd}b")));
        assert_eq!(found.error_code.as_deref(), Some("JS\u{fffd}ERROR"));
    });
}
