//! What was answered lately: a talk asks again what it asked a message ago, and does not wait for the thread then.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

use super::{Hit, shelves::Ask};
use crate::ids::TenantId;

/// Most answers of a generation; there are two.
const MOST: usize = 2048;
/// Longest answer that is kept.
const LONGEST: usize = 32;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Question {
    tenant: TenantId,
    revision: i64,
    words: Vec<String>,
    may: (bool, bool),
    limit: usize,
}

impl Question {
    fn of(ask: &Ask, revision: i64) -> Option<Self> {
        let words = ask.words.clone()?;
        let (tenant, may) = (ask.tenant.clone(), (ask.may_query, ask.may_execute));
        (ask.limit <= LONGEST).then_some(Self { tenant, revision, words, may, limit: ask.limit })
    }
}

/// Answers, by what was asked at which revision. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Lately(Arc<Mutex<Generations>>);

#[derive(Default)]
struct Generations {
    new: HashMap<Question, Vec<Hit>>,
    old: HashMap<Question, Vec<Hit>>,
}

impl Lately {
    pub fn find(&self, ask: &Ask, revision: i64) -> Option<Vec<Hit>> {
        let question = Question::of(ask, revision)?;
        let known = self.0.lock();
        known.new.get(&question).or_else(|| known.old.get(&question)).cloned()
    }

    pub fn keep(&self, ask: &Ask, revision: i64, hits: &[Hit]) {
        let Some(question) = Question::of(ask, revision) else { return };
        let mut known = self.0.lock();
        if known.new.len() >= MOST {
            known.old = std::mem::take(&mut known.new);
        }
        known.new.insert(question, hits.to_vec());
    }

    /// What a tenant has has changed or is in memory no longer.
    pub fn forget(&self, tenant: &TenantId) {
        let mut known = self.0.lock();
        known.new.retain(|question, _| question.tenant != *tenant);
        known.old.retain(|question, _| question.tenant != *tenant);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_question_of_the_same_revision_is_known_for_a_while() {
        let ask = |tenant: &str, word: &str, may_query: bool, limit: usize| Ask {
            tenant: TenantId::trusted(tenant),
            words: Some(vec![word.to_owned()]),
            may_query,
            may_execute: true,
            limit,
        };
        let lately = Lately::default();
        let sizes = || {
            let known = lately.0.lock();
            (known.new.len(), known.old.len())
        };
        let sales = ask("one", "sales", true, 8);
        lately.keep(&sales, 7, &[]);
        assert!(lately.find(&sales, 7).is_some());
        for (other, revision) in [
            (ask("two", "sales", true, 8), 7),
            (ask("one", "sales", true, 8), 8),
            (ask("one", "stock", true, 8), 7),
            (ask("one", "sales", false, 8), 7),
            (ask("one", "sales", true, 9), 7),
        ] {
            assert!(lately.find(&other, revision).is_none(), "{other:?}");
        }
        // Lists and long answers are not kept.
        lately.keep(&ask("one", "sales", true, LONGEST + 1), 7, &[]);
        lately.keep(&Ask { words: None, ..sales.clone() }, 7, &[]);
        assert_eq!(sizes(), (1, 0));
        for n in 0..MOST {
            lately.keep(&ask("two", &format!("w{n}"), true, 8), 1, &[]);
        }
        assert!(lately.find(&sales, 7).is_some(), "one generation back");
        lately.forget(&TenantId::trusted("two"));
        assert_eq!(sizes(), (0, 1));
        lately.forget(&TenantId::trusted("one"));
        assert!(lately.find(&sales, 7).is_none());
    }
}
