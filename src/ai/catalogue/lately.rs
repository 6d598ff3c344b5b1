//! What was answered lately: a talk asks again what it asked a message ago. Pure.

use std::collections::HashMap;

use super::{Hit, shelves::Ask};

/// Most answers of a generation; there are two.
const MOST: usize = 2048;
/// Longest answer that is kept.
const LONGEST: usize = 32;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Question {
    shelf: u32,
    revision: i64,
    words: Vec<String>,
    may: (bool, bool),
    limit: usize,
}

impl Question {
    fn of(shelf: u32, revision: i64, ask: &Ask) -> Option<Self> {
        let words = ask.words.clone()?;
        let may = (ask.may_query, ask.may_execute);
        (ask.limit <= LONGEST).then_some(Self { shelf, revision, words, may, limit: ask.limit })
    }
}

/// Answers, by what was asked of which shelf at which revision.
#[derive(Debug, Default)]
pub(super) struct Lately {
    new: HashMap<Question, Vec<Hit>>,
    old: HashMap<Question, Vec<Hit>>,
}

impl Lately {
    pub fn find(&self, shelf: u32, revision: i64, ask: &Ask) -> Option<Vec<Hit>> {
        let question = Question::of(shelf, revision, ask)?;
        self.new.get(&question).or_else(|| self.old.get(&question)).cloned()
    }

    pub fn keep(&mut self, shelf: u32, revision: i64, ask: &Ask, hits: &[Hit]) {
        let Some(question) = Question::of(shelf, revision, ask) else { return };
        if self.new.len() >= MOST {
            self.old = std::mem::take(&mut self.new);
        }
        self.new.insert(question, hits.to_vec());
    }

    /// A shelf has changed or is gone.
    pub fn forget(&mut self, shelf: u32) {
        self.new.retain(|question, _| question.shelf != shelf);
        self.old.retain(|question, _| question.shelf != shelf);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TenantId;

    #[test]
    fn the_same_question_of_the_same_revision_is_known_for_a_while() {
        let ask = |word: &str, may_query: bool, limit: usize| Ask {
            tenant: TenantId::trusted("t"),
            words: Some(vec![word.to_owned()]),
            may_query,
            may_execute: true,
            limit,
        };
        let mut lately = Lately::default();
        lately.keep(1, 7, &ask("sales", true, 8), &[]);
        assert!(lately.find(1, 7, &ask("sales", true, 8)).is_some());
        for (shelf, revision, other) in [
            (2, 7, ask("sales", true, 8)),
            (1, 8, ask("sales", true, 8)),
            (1, 7, ask("stock", true, 8)),
            (1, 7, ask("sales", false, 8)),
            (1, 7, ask("sales", true, 9)),
        ] {
            assert!(lately.find(shelf, revision, &other).is_none(), "{other:?}");
        }
        // Lists and long answers are not kept.
        lately.keep(1, 7, &ask("sales", true, LONGEST + 1), &[]);
        lately.keep(1, 7, &Ask { words: None, ..ask("", true, 8) }, &[]);
        assert_eq!(lately.new.len(), 1);
        for n in 0..MOST {
            lately.keep(2, 1, &ask(&format!("w{n}"), true, 8), &[]);
        }
        assert!(lately.find(1, 7, &ask("sales", true, 8)).is_some(), "one generation back");
        lately.forget(2);
        assert_eq!((lately.new.len(), lately.old.len()), (0, 1));
        lately.forget(1);
        assert!(lately.find(1, 7, &ask("sales", true, 8)).is_none());
    }
}
