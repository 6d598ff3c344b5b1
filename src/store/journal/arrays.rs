//! The statements of a batch for a database that takes columns as arrays: one text for any number of
//! rows, few parameters, and a batch that is one statement is its own transaction, one way there and
//! back.

use diesel::{
    pg::{Pg, PgConnection},
    prelude::*,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{Array, BigInt, Text},
};

use super::sql::{Claim, PlacedRow};

/// Moves of heads, by column.
#[derive(Default)]
struct Claims<'a> {
    streams: Vec<&'a str>,
    expected: Vec<i64>,
    versions: Vec<i64>,
    heads: Vec<i64>,
}

impl<'a> Claims<'a> {
    fn of(claims: &[Claim<'a>]) -> Self {
        let mut columns = Self::default();
        for claim in claims {
            columns.streams.push(claim.stream);
            columns.expected.push(claim.expected);
            columns.versions.push(claim.owner_version);
            columns.heads.push(claim.head);
        }
        columns
    }

    fn walk<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("UPDATE streams SET head = claim.head FROM unnest(");
        out.push_bind_param::<Array<Text>, Vec<&str>>(&self.streams)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, Vec<i64>>(&self.expected)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, Vec<i64>>(&self.versions)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, Vec<i64>>(&self.heads)?;
        out.push_sql(
            ") AS claim (stream, expected, version, head) WHERE streams.stream = claim.stream \
             AND streams.head = claim.expected AND streams.owner_version = claim.version \
             RETURNING streams.stream, streams.epoch",
        );
        Ok(())
    }
}

/// Rows, by column.
struct Rows<'a> {
    streams: Vec<&'a str>,
    seqs: Vec<i64>,
    kinds: Vec<&'a str>,
    payloads: Vec<&'a str>,
    ats: Vec<i64>,
    checksums: Vec<i64>,
    writer: &'a str,
}

impl<'a> Rows<'a> {
    fn of(rows: &[PlacedRow<'a>], writer: &'a str) -> Self {
        Self {
            streams: rows.iter().map(|row| row.stream).collect(),
            seqs: rows.iter().map(|row| row.seq).collect(),
            kinds: rows.iter().map(|row| row.kind).collect(),
            payloads: rows.iter().map(|row| row.payload).collect(),
            ats: rows.iter().map(|row| row.at).collect(),
            checksums: rows.iter().map(|row| row.checksum).collect(),
            writer,
        }
    }

    fn walk<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "INSERT INTO journal (stream, seq, kind, payload, at, writer, checksum) \
             SELECT stream, seq, kind, payload, at, ",
        );
        out.push_bind_param::<Text, str>(self.writer)?;
        out.push_sql(", checksum FROM unnest(");
        out.push_bind_param::<Array<Text>, Vec<&str>>(&self.streams)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, Vec<i64>>(&self.seqs)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, Vec<&str>>(&self.kinds)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, Vec<&str>>(&self.payloads)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, Vec<i64>>(&self.ats)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, Vec<i64>>(&self.checksums)?;
        out.push_sql(") AS placed (stream, seq, kind, payload, at, checksum)");
        Ok(())
    }
}

/// Moves heads where owner version and head are as expected; answers stream and epoch of those.
pub(super) fn move_heads(
    connection: &mut PgConnection,
    claims: &[Claim<'_>],
) -> QueryResult<Vec<(String, i64)>> {
    MoveHeads(Claims::of(claims)).load(connection)
}

/// Inserts rows of any streams.
pub(super) fn insert_rows(
    connection: &mut PgConnection,
    rows: &[PlacedRow<'_>],
    writer: &str,
) -> QueryResult<usize> {
    InsertRows(Rows::of(rows, writer)).execute(connection)
}

/// Both at once: rows go only to streams whose head moved, and these are the answer.
pub(super) fn append(
    connection: &mut PgConnection,
    claims: &[Claim<'_>],
    rows: &[PlacedRow<'_>],
    writer: &str,
) -> QueryResult<Vec<(String, i64)>> {
    AppendRows(Claims::of(claims), Rows::of(rows, writer)).load(connection)
}

struct MoveHeads<'a>(Claims<'a>);

impl QueryFragment<Pg> for MoveHeads<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk(&mut out)
    }
}

impl QueryId for MoveHeads<'_> {
    type QueryId = MoveHeads<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for MoveHeads<'_> {
    type SqlType = (Text, BigInt);
}

impl RunQueryDsl<PgConnection> for MoveHeads<'_> {}

struct InsertRows<'a>(Rows<'a>);

impl QueryFragment<Pg> for InsertRows<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk(&mut out)
    }
}

impl QueryId for InsertRows<'_> {
    type QueryId = InsertRows<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl RunQueryDsl<PgConnection> for InsertRows<'_> {}

struct AppendRows<'a>(Claims<'a>, Rows<'a>);

impl QueryFragment<Pg> for AppendRows<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH moved AS (");
        self.0.walk(&mut out)?;
        out.push_sql("), written AS (");
        self.1.walk(&mut out)?;
        out.push_sql(
            " WHERE placed.stream IN (SELECT moved.stream FROM moved)) SELECT moved.stream, moved.epoch FROM moved",
        );
        Ok(())
    }
}

impl QueryId for AppendRows<'_> {
    type QueryId = AppendRows<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for AppendRows<'_> {
    type SqlType = (Text, BigInt);
}

impl RunQueryDsl<PgConnection> for AppendRows<'_> {}
