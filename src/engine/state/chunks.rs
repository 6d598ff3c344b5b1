//! A list that only grows and whose clone costs the same however long it is.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Members of a shared chunk.
const CHUNK: usize = 64;

/// Full chunks are shared between clones; what a clone copies is the last, unfinished one.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Chunks<T> {
    full: Option<Arc<Full<T>>>,
    last: Vec<T>,
    len: usize,
}

#[derive(Debug)]
struct Full<T> {
    members: Vec<T>,
    before: Option<Arc<Full<T>>>,
}

impl<T> Drop for Full<T> {
    fn drop(&mut self) {
        // One after the other: a long chain must not become a deep recursion.
        let mut before = self.before.take();
        while let Some(mut chunk) = before.and_then(Arc::into_inner) {
            before = chunk.before.take();
        }
    }
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self { full: None, last: Vec::new(), len: 0 }
    }
}

impl<T> Chunks<T> {
    pub(in crate::engine) fn push(&mut self, member: T) {
        self.len += 1;
        self.last.push(member);
        if self.last.len() == CHUNK {
            let members = std::mem::take(&mut self.last);
            self.full = Some(Arc::new(Full { members, before: self.full.take() }));
        }
    }
    pub(in crate::engine) fn is_empty(&self) -> bool {
        self.len == 0
    }
    /// All members, the first one first.
    pub(in crate::engine) fn iter(&self) -> impl Iterator<Item = &T> {
        let mut chunks: Vec<&[T]> = vec![&self.last];
        let mut at = self.full.as_deref();
        while let Some(chunk) = at {
            chunks.push(&chunk.members);
            at = chunk.before.as_deref();
        }
        chunks.into_iter().rev().flatten()
    }
}

impl<T> FromIterator<T> for Chunks<T> {
    fn from_iter<I: IntoIterator<Item = T>>(members: I) -> Self {
        let mut out = Self::default();
        members.into_iter().for_each(|member| out.push(member));
        out
    }
}

impl<T: Serialize> Serialize for Chunks<T> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.iter())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Chunks<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Vec::deserialize(d).map(|members: Vec<T>| members.into_iter().collect())
    }
}

impl<T: PartialEq> PartialEq for Chunks<T> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_what_was_pushed_and_its_clones_go_their_own_way() {
        for len in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 10 * CHUNK + 3] {
            let list: Chunks<usize> = (0..len).collect();
            assert_eq!(list.iter().copied().collect::<Vec<_>>(), (0..len).collect::<Vec<_>>());
            assert_eq!(list.is_empty(), len == 0);
            let (mut one, mut other) = (list.clone(), list.clone());
            assert_eq!(one, list);
            one.push(1);
            other.push(2);
            assert_ne!(one, other);
            assert_eq!(one.iter().count(), len + 1);
        }
    }

    #[test]
    fn a_long_list_is_dropped_without_recursion_and_copied_without_its_members() {
        let list: Chunks<Arc<usize>> = (0..1_000_000).map(Arc::new).collect();
        let first = list.iter().next().unwrap().clone();
        let clones: Vec<_> = (0..1000).map(|_| list.clone()).collect();
        assert_eq!(Arc::strong_count(&first), 2, "a clone shares the members of full chunks");
        drop(clones);
        drop(list);
        assert_eq!(Arc::strong_count(&first), 1);
    }
}
