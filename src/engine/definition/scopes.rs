//! Which node is in the body of which loop (`contract.md` 5.5, loop).
//!
//! A body is what is reached from the handle `loop`, up to a node without successor, an edge back to
//! the loop, or the target of `completed`. It is entered by that handle only and left at its end
//! only, so that one pass of it is a graph of its own, without a way in or out for anything else.

use super::{
    Edge, Faults,
    problem::{Fault, Words},
    source::RawNode,
};

/// What the bodies make of a graph.
pub(super) struct Scopes {
    /// The innermost loop around each node.
    pub(super) around: Vec<Option<usize>>,
    /// For each edge: a pass of a body ends with it.
    pub(super) ends: Vec<bool>,
}

/// A graph whose nodes and edges have places.
pub(super) struct Graph<'a> {
    pub(super) nodes: &'a [RawNode<'a>],
    pub(super) edges: &'a [Edge],
    /// Of each edge, in the client form.
    pub(super) paths: &'a [&'a str],
    pub(super) outgoing: &'a [Vec<usize>],
    pub(super) start: Option<usize>,
}

/// Nodes by place.
#[derive(Clone, Default)]
struct Set(Vec<bool>);

impl Set {
    fn has(&self, at: usize) -> bool {
        self.0.get(at).copied().unwrap_or(false)
    }
    /// False = it was there.
    fn insert(&mut self, at: usize) -> bool {
        self.0.get_mut(at).is_some_and(|has| !std::mem::replace(has, true))
    }
    fn len(&self) -> usize {
        self.0.iter().filter(|has| **has).count()
    }
}

/// A loop with its body.
struct Loop {
    at: usize,
    /// Targets of `completed`.
    after: Set,
    body: Set,
    size: usize,
}

const ENDS: &str = "a body is entered by its loop's handle loop only, and ends at a node without successor, with an edge back to its loop, or at the target of the loop's handle completed";

impl Graph<'_> {
    fn none(&self) -> Set {
        Set(vec![false; self.nodes.len()])
    }

    fn leaving(&self, at: usize) -> impl Iterator<Item = &Edge> {
        self.outgoing.get(at).into_iter().flatten().filter_map(|number| self.edges.get(*number))
    }

    /// Targets of a node's edges on a handle.
    fn targets(&self, at: usize, handle: &str) -> Set {
        let mut out = self.none();
        for edge in self.leaving(at).filter(|edge| edge.handle.as_ref() == handle) {
            out.insert(edge.to);
        }
        out
    }

    /// Where the run goes on after a loop.
    fn after(&self, at: usize) -> Set {
        let named = self.targets(at, "completed");
        if named.len() > 0 { named } else { self.targets(at, "output") }
    }

    /// What is reached from these nodes without entering others.
    fn reached(&self, from: impl Iterator<Item = usize>, stop: impl Fn(usize) -> bool) -> Set {
        let mut seen = self.none();
        let mut rest: Vec<usize> = from.filter(|at| !stop(*at)).collect();
        while let Some(at) = rest.pop() {
            if seen.insert(at) {
                rest.extend(self.leaving(at).map(|edge| edge.to).filter(|to| !stop(*to)));
            }
        }
        seen
    }

    fn body(&self, at: usize, stop: impl Fn(usize) -> bool) -> Set {
        let first = self.leaving(at).filter(|edge| edge.handle.as_ref() == "loop").map(|edge| edge.to);
        self.reached(first, stop)
    }

    fn loops(&self) -> Vec<Loop> {
        let is_loop = |(at, node): (usize, &RawNode<'_>)| (node.kind == "loop").then_some(at);
        let places: Vec<usize> = self.nodes.iter().enumerate().filter_map(is_loop).collect();
        let after: Vec<Set> = places.iter().map(|at| self.after(*at)).collect();
        let wide: Vec<Set> = places
            .iter()
            .zip(&after)
            .map(|(at, after)| self.body(*at, |to| to == *at || after.has(to)))
            .collect();
        let without: Vec<Set> =
            places.iter().map(|at| self.reached(self.start.into_iter(), |to| to == *at)).collect();
        // Of two that reach each other the outer one is that which the run comes to first.
        let is_around = |outer: usize, inner: usize| {
            let at = |number: usize| places.get(number).copied().unwrap_or_default();
            let holds = |sets: &[Set], a: usize, b: usize| sets.get(a).is_some_and(|set| set.has(at(b)));
            outer != inner
                && holds(&wide, outer, inner)
                && (!holds(&wide, inner, outer)
                    || (holds(&without, inner, outer) && !holds(&without, outer, inner)))
        };
        let mut loops = Vec::new();
        for (number, (at, own)) in places.iter().zip(&after).enumerate() {
            let mut stop = own.clone();
            stop.insert(*at);
            for outer in (0..places.len()).filter(|outer| is_around(*outer, number)) {
                for (to, _) in after
                    .get(outer)
                    .into_iter()
                    .flat_map(|set| set.0.iter().enumerate().filter(|(_, has)| **has))
                {
                    stop.insert(to);
                }
                if let Some(outer) = places.get(outer) {
                    stop.insert(*outer);
                }
            }
            let body = self.body(*at, |to| stop.has(to));
            let size = body.len();
            loops.push(Loop { at: *at, after: own.clone(), body, size });
        }
        // Inner ones first.
        loops.sort_by_key(|l| (l.size, l.at));
        loops
    }

    fn title(&self, at: usize) -> String {
        self.nodes.get(at).map(|node| node.id.to_string()).unwrap_or_default()
    }

    /// Finds the bodies; what is no body of its own is a fault.
    pub(super) fn scopes(&self, faults: &mut Faults) -> Scopes {
        let loops = self.loops();
        let around: Vec<Option<usize>> =
            (0..self.nodes.len()).map(|node| loops.iter().find(|l| l.body.has(node)).map(|l| l.at)).collect();
        let mut shared = self.none();
        for (at, node) in self.nodes.iter().enumerate() {
            let holders: Vec<&Loop> = loops.iter().filter(|l| l.body.has(at)).collect();
            let apart = holders.windows(2).find_map(|pair| match pair {
                [inner, outer] if !outer.body.has(inner.at) => Some((inner, outer)),
                _ => None,
            });
            let words = |message: String, hint: &str| {
                Words::from((Fault::LoopBody, message)).hint(Some(hint.to_owned()))
            };
            if let Some((one, other)) = apart {
                shared.insert(at);
                let (one, other) = (self.title(one.at.min(other.at)), self.title(one.at.max(other.at)));
                let message = format!("is in the bodies of the loops {one} and {other} at once");
                let hint = "a node is in one body, or in a body inside of another";
                faults.push(node.path.clone(), Some(&node.id), words(message, hint));
            } else if let (true, Some(holder)) = (self.start == Some(at), holders.first()) {
                let message = format!("is in the body of the loop {}", self.title(holder.at));
                faults.push(
                    node.path.clone(),
                    Some(&node.id),
                    words(message, "a run begins outside of all bodies"),
                );
            }
        }
        let mut ends = Vec::with_capacity(self.edges.len());
        for (edge, path) in self.edges.iter().zip(self.paths) {
            let from_loop = |l: &Loop| edge.from == l.at && edge.handle.as_ref() == "loop";
            let stays = |l: &Loop| l.body.has(edge.from) || from_loop(l);
            let innermost = loops.iter().find(|l| stays(l));
            let over = innermost.is_some_and(|l| edge.to == l.at || l.after.has(edge.to));
            let left = innermost.filter(|l| !l.body.has(edge.to));
            // One that is a fault shall not make a cycle as well.
            ends.push(over || left.is_some());
            if over || shared.has(edge.from) || shared.has(edge.to) {
                continue;
            }
            let id = self.nodes.get(edge.from).map(|node| &node.id);
            let words = |message: String| Words::from((Fault::LoopBody, message)).hint(Some(ENDS.to_owned()));
            if let Some(left) = left {
                let message = format!("leads out of the body of the loop {}", self.title(left.at));
                faults.push(*path, id, words(message));
            } else if let Some(entered) = loops.iter().find(|l| l.body.has(edge.to) && !stays(l)) {
                let message =
                    format!("leads into the body of the loop {} from outside of it", self.title(entered.at));
                faults.push(*path, id, words(message));
            }
        }
        Scopes { around, ends }
    }
}
