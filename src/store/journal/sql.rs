//! The statements of a batch, written out so that each size of a part is one text, prepared once
//! and found again in the connection's cache. Both databases read the same text.

use diesel::{
    prelude::*,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{BigInt, Text},
};

use crate::store::connection::{Connection, MultiBackend};

/// Parts have these sizes only, so that the cache holds few statements.
const SIZES: [usize; 7] = [64, 32, 16, 8, 4, 2, 1];

/// Cuts into parts of [`SIZES`].
pub(super) fn parts<T>(mut all: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = SIZES.into_iter().find(|size| *size <= all.len())?;
        let (part, rest) = all.split_at_checked(size)?;
        all = rest;
        Some(part)
    })
}

/// A row with its place, borrowed from its append.
pub(super) struct PlacedRow<'a> {
    pub(super) stream: &'a str,
    pub(super) seq: i64,
    pub(super) kind: &'a str,
    pub(super) payload: &'a str,
    pub(super) at: i64,
    pub(super) writer: &'a str,
    pub(super) checksum: i64,
}

/// Inserts rows of any streams.
pub(super) struct InsertRows<'a>(pub(super) &'a [PlacedRow<'a>]);

impl QueryFragment<MultiBackend> for InsertRows<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.push_sql("INSERT INTO journal (stream, seq, kind, payload, at, writer, checksum) VALUES ");
        for (index, row) in self.0.iter().enumerate() {
            out.push_sql(if index == 0 { "(" } else { ", (" });
            out.push_bind_param::<Text, str>(row.stream)?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, i64>(&row.seq)?;
            out.push_sql(", ");
            out.push_bind_param::<Text, str>(row.kind)?;
            out.push_sql(", ");
            out.push_bind_param::<Text, str>(row.payload)?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, i64>(&row.at)?;
            out.push_sql(", ");
            out.push_bind_param::<Text, str>(row.writer)?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, i64>(&row.checksum)?;
            out.push_sql(")");
        }
        Ok(())
    }
}

impl QueryId for InsertRows<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl RunQueryDsl<Connection> for InsertRows<'_> {}

/// An owner's move of its stream's head.
pub(super) struct Claim<'a> {
    pub(super) stream: &'a str,
    pub(super) expected: i64,
    pub(super) owner_version: i64,
    pub(super) head: i64,
}

/// Moves heads where owner version and head are as expected; answers stream and epoch of those.
pub(super) struct MoveHeads<'a>(pub(super) &'a [Claim<'a>]);

impl QueryFragment<MultiBackend> for MoveHeads<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.push_sql("WITH claim (stream, expected, version, head) AS (VALUES ");
        for (index, claim) in self.0.iter().enumerate() {
            out.push_sql(if index == 0 { "(" } else { ", (" });
            out.push_bind_param::<Text, str>(claim.stream)?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, i64>(&claim.expected)?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, i64>(&claim.owner_version)?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, i64>(&claim.head)?;
            out.push_sql(")");
        }
        out.push_sql(
            ") UPDATE streams SET head = claim.head FROM claim WHERE streams.stream = claim.stream \
             AND streams.head = claim.expected AND streams.owner_version = claim.version \
             RETURNING streams.stream, streams.epoch",
        );
        Ok(())
    }
}

impl QueryId for MoveHeads<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for MoveHeads<'_> {
    type SqlType = (Text, BigInt);
}

impl RunQueryDsl<Connection> for MoveHeads<'_> {}

/// A stream that is born with its first rows.
pub(super) struct Birth<'a> {
    pub(super) stream: &'a str,
    pub(super) epoch: i64,
    pub(super) head: i64,
    pub(super) owner: &'a str,
}

/// Makes streams with owner version 1.
pub(super) struct InsertStreams<'a>(pub(super) &'a [Birth<'a>]);

impl QueryFragment<MultiBackend> for InsertStreams<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.push_sql("INSERT INTO streams (stream, epoch, head, owner, owner_version) VALUES ");
        for (index, birth) in self.0.iter().enumerate() {
            out.push_sql(if index == 0 { "(" } else { ", (" });
            out.push_bind_param::<Text, str>(birth.stream)?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, i64>(&birth.epoch)?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, i64>(&birth.head)?;
            out.push_sql(", ");
            out.push_bind_param::<Text, str>(birth.owner)?;
            out.push_sql(", 1)");
        }
        Ok(())
    }
}

impl QueryId for InsertStreams<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl RunQueryDsl<Connection> for InsertStreams<'_> {}

#[cfg(test)]
mod tests {
    #[test]
    fn parts_are_few_sizes_and_lose_nothing() {
        let all: Vec<u32> = (0..203).collect();
        let sizes: Vec<usize> = super::parts(&all).map(<[u32]>::len).collect();
        assert_eq!(sizes, [64, 64, 64, 8, 2, 1]);
        assert_eq!(super::parts(&all).flatten().copied().collect::<Vec<_>>(), all);
    }
}
