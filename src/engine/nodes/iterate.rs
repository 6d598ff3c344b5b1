//! `loop`: its body once for each item, one after the other (`rules/passes.rs` has the order of things).

use std::sync::Arc;

use serde_json::Value;

use crate::engine::{
    Context,
    definition::{Config, Faults},
    value::{Lookup, is_identifier, resolve},
};

/// Most items of a loop that says nothing.
const MOST_ITEMS: f64 = 1000.0;

/// `loop`.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) struct Loop {
    source: Value,
    item: Arc<str>,
    index: Arc<str>,
    most: usize,
    pause_ms: u64,
}

impl Loop {
    pub(super) fn parse(config: &Config<'_>, faults: &mut Faults) -> Self {
        let (name, source) = ["sourceVariable", "arrayExpression"]
            .into_iter()
            .find_map(|name| config.value(name).map(|value| (name, value.clone())))
            .unwrap_or(("sourceVariable", Value::Null));
        config.templates(&source, name, faults);
        let variable = |names: &[&'static str], default: &str, faults: &mut Faults| {
            let found = names
                .iter()
                .find_map(|name| config.text(name).filter(|text| !text.is_empty()).map(|text| (*name, text)));
            if let Some((name, text)) = found {
                if !is_identifier(text) {
                    let message = "must be a name of letters, digits and _, not beginning with a digit";
                    config.fault(name, message, faults);
                } else if text == "input" || text.starts_with("__") {
                    config.fault(name, "must not be input, nor begin with __", faults);
                }
            }
            Arc::from(found.map_or(default, |(_, text)| text))
        };
        let item = variable(&["itemVariable", "loopVariable"], "item", faults);
        let index = variable(&["indexVariable"], "index", faults);
        let most = config.number("maxIterations", 1.0, 100_000.0, faults).unwrap_or(MOST_ITEMS);
        let pause = config.number("delayBetweenItems", 0.0, 60_000.0, faults).unwrap_or(0.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "their ranges were checked"
        )]
        let (most, pause_ms) = (most.trunc() as usize, pause.trunc() as u64);
        Self { source, item, index, most, pause_ms }
    }

    /// What it goes through: the members of an array; anything else is one item, nothing is none.
    pub(in crate::engine) fn items(&self, ctx: &dyn Lookup) -> Vec<Arc<Value>> {
        match resolve(&self.source, ctx) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::String(text)) if text.is_empty() => Vec::new(),
            Some(Value::Array(items)) => items.into_iter().map(Arc::new).collect(),
            Some(one) => vec![Arc::new(one)],
        }
    }

    /// Most items it takes.
    pub(in crate::engine) fn most(&self) -> usize {
        self.most
    }

    /// How long it waits before each item but the first, milliseconds.
    pub(in crate::engine) fn pause_ms(&self) -> u64 {
        self.pause_ms
    }

    /// The context of a pass: a copy with the item and its index.
    pub(in crate::engine) fn pass(&self, outer: &Context, item: &Arc<Value>, index: u32) -> Context {
        let mut context = outer.clone();
        let index: Arc<Value> = Arc::new(Value::from(index));
        let members =
            [("item", item), ("index", &index), (self.item.as_ref(), item), (self.index.as_ref(), &index)];
        for (name, value) in members {
            context.insert(Arc::from(name), value.clone());
        }
        context
    }
}
