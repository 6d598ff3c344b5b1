//! N2 and N3 as functions: tests judge whole streams with them, whoever appends judges each row.

use std::collections::{HashMap, HashSet};

use crate::{
    engine::{Iterated, RunEvent, RunState, Then},
    ids::{Attempt, NodeId, Seq, Visit},
};

/// A broken invariant: report it with [`metrics::invariant_violated`](crate::metrics::invariant_violated).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{id}: {what}")]
pub struct Broken {
    /// `N2` or `N3`.
    pub id: &'static str,
    /// What was seen.
    pub what: String,
}

fn n3(what: String) -> Broken {
    Broken { id: "N3", what }
}

/// N2: the seqs of a stream have no holes.
pub fn follows(head: Seq, seq: Seq) -> Result<(), Broken> {
    if seq == head.next() {
        return Ok(());
    }
    Err(Broken { id: "N2", what: format!("row {seq} follows row {head}") })
}

/// N3: a finished node is never dispatched again, and nothing follows the end of a run. `state` is
/// the state before the event.
pub fn allows(state: &RunState, event: &RunEvent) -> Result<(), Broken> {
    if state.status().is_terminal() {
        return Err(n3(format!("a {} row follows the end of the run", event.kind())));
    }
    if let RunEvent::Dispatched(event) = event {
        let seen = state.facts.nodes.get(&event.node).and_then(|node| node.seen.as_ref());
        if seen.is_some_and(|seen| seen.visit >= event.visit) {
            return Err(n3(format!(
                "visit {} of node {} ended and is dispatched again",
                event.visit.0, event.node
            )));
        }
    }
    Ok(())
}

/// N2 and N3 over a whole stream, with bookkeeping of its own (it shares nothing with the fold):
/// also at most one result an attempt, one end, no attempt before the one before it ended, visits one
/// after the other, at most one of them an item, and items in their order.
pub fn check_stream<'a>(rows: impl IntoIterator<Item = (Seq, &'a RunEvent)>) -> Result<(), Broken> {
    let mut head = Seq::ZERO;
    let mut over = false;
    let mut dispatched: HashSet<(NodeId, Visit, Attempt)> = HashSet::new();
    let mut results: HashSet<(NodeId, Visit, Attempt)> = HashSet::new();
    let mut ended: HashMap<NodeId, Visit> = HashMap::new();
    let mut passes = Passes::default();
    // How many times loops went to an item, and how many at the last arrival at a node.
    let mut turns = 0_u64;
    let mut arrivals: HashMap<NodeId, (Visit, u64)> = HashMap::new();
    for (seq, event) in rows {
        follows(head, seq)?;
        head = seq;
        if over {
            return Err(n3(format!("a {} row follows the end of the run", event.kind())));
        }
        match event {
            RunEvent::Dispatched(event) => {
                let (node, visit, attempt) = (event.node.clone(), event.visit, event.attempt);
                if ended.get(&node).is_some_and(|ended| *ended >= visit) {
                    return Err(n3(format!(
                        "visit {} of node {node} ended and is dispatched again",
                        visit.0
                    )));
                }
                match arrivals.get(&node) {
                    Some((last, _)) if *last == visit => {}
                    Some((last, _)) if visit.0 != last.0.saturating_add(1) => {
                        return Err(n3(format!("visit {} of node {node} follows visit {}", visit.0, last.0)));
                    }
                    Some((_, at)) if *at == turns => {
                        return Err(n3(format!("node {node} is visited twice for one item")));
                    }
                    None if visit != Visit(1) => {
                        return Err(n3(format!("the first visit of node {node} is {}", visit.0)));
                    }
                    _ => drop(arrivals.insert(node.clone(), (visit, turns))),
                }
                let before = (node.clone(), visit, Attempt(attempt.0.saturating_sub(1)));
                if attempt > Attempt(1) && !results.contains(&before) {
                    return Err(n3(format!(
                        "attempt {} of node {node} begins before the last one ended",
                        attempt.0
                    )));
                }
                if !dispatched.insert((node.clone(), visit, attempt)) {
                    return Err(n3(format!("attempt {} of node {node} is dispatched twice", attempt.0)));
                }
            }
            RunEvent::Completed(event) => {
                result(&mut results, &event.node, event.visit, event.attempt)?;
                ended.insert(event.node.clone(), event.visit);
            }
            RunEvent::Failed(event) => {
                result(&mut results, &event.node, event.visit, event.attempt)?;
                if !matches!(event.then, Then::Retry(_)) {
                    ended.insert(event.node.clone(), event.visit);
                }
            }
            RunEvent::Finished(_) => over = true,
            RunEvent::Iterated(event) => {
                passes.begins(event)?;
                turns += 1;
            }
            RunEvent::Started(_) | RunEvent::Suspended(_) | RunEvent::Input(_) | RunEvent::Snapshot(_) => {}
        }
    }
    Ok(())
}

/// Where the loops of a stream are: visit, item, and whether the next row of it ends a wait.
#[derive(Default)]
struct Passes(HashMap<NodeId, (Visit, u32, bool)>);

impl Passes {
    /// Items come one after the other, each once, or twice when there is a wait before it.
    fn begins(&mut self, event: &Iterated) -> Result<(), Broken> {
        let waits = event.until.is_some();
        let fits = match self.0.get(&event.node) {
            Some((visit, item, true)) if *visit == event.visit => {
                event.iteration == *item && !waits && event.pass.is_none()
            }
            Some((visit, item, false)) if *visit == event.visit => {
                // A further attempt of the loop begins at the first item again.
                (event.iteration == item.saturating_add(1) && event.pass.is_some())
                    || (event.iteration == 0 && event.pass.is_none())
            }
            _ => event.iteration == 0 && event.pass.is_none(),
        };
        self.0.insert(event.node.clone(), (event.visit, event.iteration, waits));
        if fits {
            return Ok(());
        }
        Err(n3(format!("loop {} goes to item {} out of turn", event.node, event.iteration)))
    }
}

fn result(
    results: &mut HashSet<(NodeId, Visit, Attempt)>,
    node: &NodeId,
    visit: Visit,
    attempt: Attempt,
) -> Result<(), Broken> {
    if results.insert((node.clone(), visit, attempt)) {
        return Ok(());
    }
    Err(n3(format!("attempt {} of visit {} of node {node} has two results", attempt.0, visit.0)))
}
