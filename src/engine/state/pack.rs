//! A snapshot tells no value twice: what a node gave is in its output, in the context, in the
//! contexts of passes and in a loop's results, one pointer each. In the row each value stands once,
//! everywhere else its place.

use std::{collections::HashMap, sync::Arc};

use serde_json::Value;

use super::{Facts, NodeFacts, Phase};

type Change<'a> = &'a mut dyn FnMut(&Arc<Value>) -> Arc<Value>;

impl Facts {
    /// As it stands in a row.
    pub(in crate::engine) fn packed(&self) -> Self {
        let mut packed = self.clone();
        let mut places: HashMap<*const Value, usize> = HashMap::new();
        let mut values = Vec::new();
        packed.each_value(&mut |value| {
            let place = *places.entry(Arc::as_ptr(value)).or_insert_with(|| {
                values.push(value.clone());
                values.len() - 1
            });
            Arc::new(Value::from(place))
        });
        packed.values = values;
        packed
    }

    /// As it was before; of an older row, which had its values in place, as it is.
    pub(in crate::engine) fn unpacked(mut self) -> Self {
        let values = std::mem::take(&mut self.values);
        if !values.is_empty() {
            let missing = Arc::new(Value::Null);
            self.each_value(&mut |place| {
                let place = place.as_u64().and_then(|place| usize::try_from(place).ok());
                place.and_then(|place| values.get(place)).unwrap_or(&missing).clone()
            });
        }
        self
    }

    fn each_value(&mut self, change: Change<'_>) {
        self.told.each_value(change);
        self.internal.each_value(change);
        for node in self.nodes.values_mut() {
            Arc::make_mut(node).each_value(change);
        }
    }
}

impl NodeFacts {
    fn each_value(&mut self, change: Change<'_>) {
        if let Phase::Looping(looping) = &mut self.phase {
            looping.each_value(change);
        }
        if let Some(seen) = &mut self.seen {
            seen.output.each_value(change);
            if let Some(context) = &mut seen.context {
                context.each_value(change);
            }
        }
    }
}
