//! What a step need not do, because the rest of the step took it back.

use crate::{
    engine::{
        Effect, RunState, TimerKey,
        state::{Phase, Stage},
    },
    ids::{Attempt, NodeId, Visit},
};

/// Drops what the rest of the step takes back (a dispatch that the end of the run overtook, a timer
/// that is cleared or set again), and what was never there to be taken back.
pub(super) fn without_void(effects: Vec<Effect>, before: &RunState, over: bool) -> Vec<Effect> {
    let began: Vec<_> = effects.iter().filter_map(dispatched).collect();
    let last =
        |at: usize, key: &TimerKey| effects.iter().skip(at + 1).filter_map(timer).all(|later| later != key);
    let keep = |at: usize, effect: &Effect| match effect {
        Effect::Dispatch { .. } | Effect::GoOn => !over,
        Effect::Interrupt { node, visit, attempt } => {
            !(over && began.contains(&(node.clone(), *visit, *attempt)))
        }
        Effect::SetTimer { key, .. } => !over && last(at, key),
        Effect::ClearTimer { key } => !over && last(at, key) && has_timer(before, key),
        // A request that the same step opened and closed again is a row all the same.
        Effect::OpenRequest { .. } | Effect::CloseRequest { .. } | Effect::Finished(_) => true,
    };
    let kept: Vec<bool> = effects.iter().enumerate().map(|(at, effect)| keep(at, effect)).collect();
    effects.into_iter().zip(kept).filter(|(_, keep)| *keep).map(|(effect, _)| effect).collect()
}

fn dispatched(effect: &Effect) -> Option<(NodeId, Visit, Attempt)> {
    match effect {
        Effect::Dispatch { node, visit, attempt, .. } => Some((node.clone(), *visit, *attempt)),
        _ => None,
    }
}

/// The timer that it is about.
fn timer(effect: &Effect) -> Option<&TimerKey> {
    match effect {
        Effect::SetTimer { key, .. } | Effect::ClearTimer { key } => Some(key),
        _ => None,
    }
}

/// Whether a timer of that key was set.
fn has_timer(state: &RunState, key: &TimerKey) -> bool {
    let phase = |node| state.facts.nodes.get(node).map(|facts| (facts.visit, &facts.phase));
    match key {
        TimerKey::Run => true,
        TimerKey::Retry { node, visit, attempt } => {
            matches!(phase(node), Some((at, Phase::Retrying { attempt: next, .. })) if at == *visit && next == attempt)
        }
        TimerKey::Wake { node, visit } => match phase(node) {
            Some((at, Phase::Suspended { until, .. })) => at == *visit && until.is_some(),
            Some((at, Phase::Looping(looping))) => {
                at == *visit && matches!(looping.stage, Stage::Pause { .. })
            }
            _ => false,
        },
    }
}
