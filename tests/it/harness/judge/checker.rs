//! Judges histories by the journal: nothing lost, nothing doubled, in order, nothing that is not in
//! the journal, nothing of a foreign tenant, no result twice. It knows the contract, not the hub.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use super::history::{Entry, History, Log, Seen};
use crate::harness::expect::say;

/// What was found; each entry says where.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Rows that a client should have been told of and was not.
    pub lost: Vec<String>,
    /// Told twice, or a result accepted twice.
    pub doubled: Vec<String>,
    /// Not rising, or after the end.
    pub order: Vec<String>,
    /// Told, but not in the journal, or not as it is there: told before it was durable, or made up.
    pub invented: Vec<String>,
    /// Of a run that is none of the client's business.
    pub foreign: Vec<String>,
    /// Deliveries and results that were looked at.
    pub n: usize,
}

impl Verdict {
    /// All complaints.
    pub fn complaints(&self) -> Vec<String> {
        let kinds = [
            ("lost", &self.lost),
            ("doubled", &self.doubled),
            ("order", &self.order),
            ("not in the journal", &self.invented),
            ("foreign", &self.foreign),
        ];
        kinds.iter().flat_map(|(kind, all)| all.iter().map(move |one| format!("{kind}: {one}"))).collect()
    }

    /// Prints the pass line; fails on any complaint, and when there was nothing to judge.
    #[track_caller]
    pub fn assert_clean(&self, what: &str) {
        let complaints = self.complaints();
        let (lost, doubled, n) = (self.lost.len(), self.doubled.len(), self.n);
        say(&format!("{what}: {lost} lost, {doubled} doubled of {n}"));
        assert!(n > 0, "{what}: nothing was judged");
        let shown: Vec<_> = complaints.iter().take(20).cloned().collect();
        assert!(
            complaints.is_empty(),
            "{what}: {} complaints of {n}\n{}",
            complaints.len(),
            shown.join("\n")
        );
    }

    /// One more.
    pub fn add(&mut self, other: Self) {
        self.lost.extend(other.lost);
        self.doubled.extend(other.doubled);
        self.order.extend(other.order);
        self.invented.extend(other.invented);
        self.foreign.extend(other.foreign);
        self.n += other.n;
    }
}

/// Judges all clients by all runs.
pub fn check(histories: &[History], logs: &[Log]) -> Verdict {
    let mut verdict = Verdict::default();
    let runs: BTreeMap<&str, &Log> = logs.iter().map(|log| (log.run.as_str(), log)).collect();
    for log in logs {
        results(log, &mut verdict);
    }
    // what the first observer of a row was told; all others must have been told the same
    let mut told: BTreeMap<(&str, u64), (&str, &Value)> = BTreeMap::new();
    for history in histories {
        for seen in history.events() {
            verdict.n += 1;
            let at = format!("{}: {} seq {} ({})", history.client, seen.run, seen.seq, seen.event);
            let Some(log) = runs.get(seen.run.as_str()) else {
                verdict.invented.push(format!("{at}: no such run"));
                continue;
            };
            true_to(log, seen, &at, &mut verdict);
            let first = told.entry((&log.run, seen.seq)).or_insert((&history.client, &seen.body));
            if first.1 != &seen.body {
                verdict.invented.push(format!("{at}: {} but {} was told {}", seen.body, first.0, first.1));
            }
            if !history.tenants.contains(&log.tenant) {
                verdict.foreign.push(at);
            } else if !asked_for(history, &seen.run) {
                verdict.foreign.push(format!("{at}: never joined"));
            }
        }
        for run in joined(history) {
            match runs.get(run.as_str()) {
                Some(log) if history.tenants.contains(&log.tenant) => view(history, log, &mut verdict),
                // a refused join
                _ => {}
            }
        }
    }
    verdict
}

fn joined(history: &History) -> BTreeSet<String> {
    let run = |e: &Entry| if let Entry::Joined { run, .. } = e { Some(run.clone()) } else { None };
    history.entries.iter().filter_map(run).collect()
}

fn asked_for(history: &History, run: &str) -> bool {
    joined(history).contains(run)
}

/// The event is what its row says.
fn true_to(log: &Log, seen: &Seen, at: &str, verdict: &mut Verdict) {
    let Some((event, node, word)) = log.told(seen.seq) else {
        verdict.invented.push(format!("{at}: the journal has no such event"));
        return;
    };
    let fits = event == seen.event && seen.body["nodeID"].as_str() == node && seen.body["status"] == word;
    if !fits {
        verdict.invented.push(format!("{at}: {} but the journal has {event} {node:?} {word}", seen.body));
    }
}

/// A client's view of a run: a contiguous piece of it, in order, from its snapshot on.
fn view(history: &History, log: &Log, verdict: &mut Verdict) {
    let (mut last, mut ever, mut ended) = (0, BTreeSet::new(), false);
    // the first place that it may miss nothing from, and the end of a snapshot without `since`
    let (mut from, mut snapshot, mut left) = (None::<u64>, None::<u64>, false);
    // joins that are not answered yet; each answer begins the replay that was asked for
    let mut asked = VecDeque::new();
    for entry in &history.entries {
        match entry {
            Entry::Connected => asked.clear(),
            Entry::Joined { run, since } if *run == log.run => {
                left = false;
                asked.push_back(*since);
                if let Some(since) = since {
                    from = Some(from.map_or(*since, |from| from.min(*since)));
                } else if from.is_none() {
                    (from, snapshot) = (Some(0), Some(0));
                }
            }
            Entry::Acked { run, seq } if *run == log.run => {
                if snapshot == Some(0) {
                    snapshot = Some(*seq);
                }
                if let Some(since) = asked.pop_front().flatten() {
                    (last, ended) = (since, ended && since >= log.rows.len() as u64);
                    ever.retain(|seq| *seq <= since);
                }
            }
            Entry::Left { run } if *run == log.run => left = true,
            Entry::Saw(seen) if seen.run == log.run => {
                let at = format!("{}: {} seq {}", history.client, log.run, seen.seq);
                if ended {
                    verdict.order.push(format!("{at}: after the end"));
                }
                if !ever.insert(seen.seq) {
                    verdict.doubled.push(at);
                } else if seen.seq <= last {
                    verdict.order.push(format!("{at}: after {last}"));
                }
                last = last.max(seen.seq);
                ended |= seen.event == "workflow_status_update";
            }
            _ => {}
        }
    }
    let Some(from) = from else { return };
    let until = if history.stayed && !left && log.ended() { log.rows.len() as u64 } else { last };
    let superseded = |seq: u64| {
        let Some(end) = snapshot else { return false };
        let node = |seq: u64| log.told(seq).and_then(|told| told.1);
        seq <= end && node(seq).is_some() && (seq + 1..=end).any(|later| node(later) == node(seq))
    };
    for seq in log.places() {
        if seq > from && seq <= until && !ever.contains(&seq) && !superseded(seq) {
            verdict.lost.push(format!("{}: {} seq {seq} of {}", history.client, log.run, log.rows.len()));
        }
    }
}

/// A finished node never runs again, and an attempt begins and ends once. (Runs without loops.)
fn results(log: &Log, verdict: &mut Verdict) {
    let (mut done, mut begun) = (BTreeSet::new(), BTreeSet::new());
    for (at, row) in log.rows.iter().enumerate() {
        let Some(node) = &row.node else { continue };
        let place = || format!("{}: {} of {node} at seq {}", log.run, row.kind, at + 1);
        match row.kind.as_str() {
            "NODE_DISPATCHED" if done.contains(node) || !begun.insert((node, row.attempt)) => {
                verdict.doubled.push(place());
            }
            "NODE_COMPLETED" | "NODE_FAILED" if !row.quiet => {
                verdict.n += 1;
                if !done.insert(node) {
                    verdict.doubled.push(place());
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::harness::judge::history::LogRow;

    const NODES: [&str; 3] = ["start", "js", "end"];

    fn log(run: &str, tenant: &str) -> Log {
        let row = |kind: &str, node: Option<&str>| LogRow {
            kind: kind.to_owned(),
            node: node.map(str::to_owned),
            attempt: node.map(|_| 1),
            quiet: false,
        };
        let mut rows = vec![row("INPUT_SET", None)];
        for node in NODES {
            rows.extend([row("NODE_DISPATCHED", Some(node)), row("NODE_COMPLETED", Some(node))]);
        }
        rows.push(row("SYSTEM_SET", None));
        Log { run: run.to_owned(), tenant: tenant.to_owned(), status: "COMPLETED".to_owned(), rows }
    }

    fn events(log: &Log) -> Vec<Entry> {
        let saw = |seq: u64| {
            let (event, node, word) = log.told(seq).unwrap();
            let body = json!({ "runId": log.run, "seq": seq, "nodeID": node, "status": word });
            let (run, event) = (log.run.clone(), event.to_owned());
            Entry::Saw(Seen { run, seq, event, body, replayed: false })
        };
        log.places().into_iter().map(saw).collect()
    }

    fn honest() -> (Vec<History>, Vec<Log>) {
        let logs = vec![log("r1", "acme"), log("r2", "acme"), log("r3", "other")];
        let client = |name: &str, tenant: &str, runs: &[&Log]| {
            let mut entries = Vec::new();
            for log in runs {
                entries.push(Entry::Joined { run: log.run.clone(), since: None });
                entries.push(Entry::Acked { run: log.run.clone(), seq: 3 });
                entries.extend(events(log));
            }
            let tenants = [tenant.to_owned()].into();
            History { client: name.to_owned(), tenants, entries, stayed: true }
        };
        let histories = vec![
            client("a", "acme", &[&logs[0], &logs[1]]),
            client("b", "acme", &[&logs[0]]),
            client("c", "other", &[&logs[2]]),
        ];
        (histories, logs)
    }

    #[test]
    fn an_honest_history_is_clean() {
        let (mut histories, logs) = honest();
        check(&histories, &logs).assert_clean("honest");
        // a reconnect in the middle, with `since` = the last seq seen
        let again = Entry::Joined { run: "r1".to_owned(), since: Some(5) };
        histories[0].entries.insert(4, again);
        check(&histories, &logs).assert_clean("honest, with a reconnect");
        // gone in the middle
        histories[1].entries.truncate(4);
        histories[1].stayed = false;
        check(&histories, &logs).assert_clean("honest, and one went away");
    }

    #[test]
    fn five_planted_lies_of_five_are_found() {
        let found = [
            lie(|h| drop(h[0].entries.remove(4)), |v| &v.lost),
            lie(|h| copy(h, (0, 3), 0), |v| &v.doubled),
            lie(|h| h[0].entries.swap(3, 4), |v| &v.order),
            lie(|h| invent(&mut h[1]), |v| &v.invented),
            lie(|h| copy(h, (2, 2), 1), |v| &v.foreign),
        ];
        println!("{} of 5 lies found", found.iter().filter(|found| **found).count());
        assert_eq!(found, [true; 5]);
    }

    #[test]
    fn lies_at_the_edges_are_found() {
        // the first, the last (the only final event), all of a run, and a lie that only others disprove
        assert!(lie(|h| drop(h[0].entries.remove(2)), |v| &v.lost));
        assert!(lie(|h| drop(h[2].entries.pop()), |v| &v.lost));
        assert!(lie(|h| h[2].entries.truncate(2), |v| &v.lost));
        assert!(lie(|h| copy(h, (1, 5), 1), |v| &v.doubled));
        let other_body = |h: &mut Vec<History>| {
            let Entry::Saw(seen) = &mut h[1].entries[3] else { unreachable!() };
            seen.body["output"] = json!({ "x": 1 });
        };
        assert!(lie(other_body, |v| &v.invented));
        // a result accepted twice, and a finished node that runs again
        let (histories, mut logs) = honest();
        let row = logs[0].rows[4].clone();
        logs[0].rows.insert(5, row);
        assert!(!check(&histories, &logs).doubled.is_empty());
    }

    #[test]
    #[should_panic(expected = "nothing was judged")]
    fn nothing_to_judge_is_a_failure() {
        check(&[], &[]).assert_clean("nothing");
    }

    /// An entry of one client happens to another (or again), at the end.
    fn copy(histories: &mut [History], (client, at): (usize, usize), to: usize) {
        let entry = histories[client].entries[at].clone();
        histories[to].entries.push(entry);
    }

    fn invent(history: &mut History) {
        let Entry::Saw(mut seen) = history.entries[2].clone() else { unreachable!() };
        seen.seq = 9;
        history.entries.push(Entry::Saw(seen));
    }

    /// The honest history with a lie in it is found out, under the right name.
    fn lie(plant: impl Fn(&mut Vec<History>), found: impl Fn(&Verdict) -> &Vec<String>) -> bool {
        let (mut histories, logs) = honest();
        plant(&mut histories);
        !found(&check(&histories, &logs)).is_empty()
    }
}
