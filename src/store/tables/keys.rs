//! Keys that make a repeated request one request: of REST (`Idempotency-Key`) and of ingest.
//! Written as projections, so that a key is there if and only if its rows are.

use diesel::prelude::*;
use jiff::Timestamp;

use super::to_micros;
use crate::{
    ids::{RunId, Seq},
    store::{
        Connection, Error,
        schema::{idempotency_keys, ingest_keys},
    },
};

/// What an idempotency key stands for, in its scope; the value is its writer's own text.
pub fn idempotent(connection: &mut Connection, scope: &str, key: &str) -> Result<Option<String>, Error> {
    let query = idempotency_keys::table.find((scope, key)).select(idempotency_keys::value);
    Ok(query.first(connection).optional()?)
}

/// Notes an idempotency key; `Duplicate(IdempotencyKey)` when its scope has it.
pub fn insert_idempotent(
    connection: &mut Connection,
    scope: &str,
    key: &str,
    value: &str,
    at: Timestamp,
) -> Result<(), Error> {
    diesel::insert_into(idempotency_keys::table)
        .values((
            idempotency_keys::scope.eq(scope),
            idempotency_keys::key.eq(key),
            idempotency_keys::value.eq(value),
            idempotency_keys::created_at.eq(to_micros(at)),
        ))
        .execute(connection)?;
    Ok(())
}

/// Forgets keys made before then; how many.
pub fn forget_before(connection: &mut Connection, then: Timestamp) -> Result<usize, Error> {
    let old = idempotency_keys::table.filter(idempotency_keys::created_at.lt(to_micros(then)));
    Ok(diesel::delete(old).execute(connection)?)
}

/// Those of `keys` that the run has, with the rows that they made.
pub fn ingested(
    connection: &mut Connection,
    run: &RunId,
    keys: &[String],
) -> Result<Vec<(String, Seq)>, Error> {
    let mut found = Vec::new();
    // In parts: SQLite bounds the number of values of a statement.
    for part in keys.chunks(500) {
        let rows: Vec<(String, i64)> = ingest_keys::table
            .filter(ingest_keys::instance_id.eq(run.as_str()))
            .filter(ingest_keys::key.eq_any(part))
            .select((ingest_keys::key, ingest_keys::seq))
            .load(connection)?;
        found.extend(rows.into_iter().map(|(key, seq)| (key, Seq(seq))));
    }
    Ok(found)
}

/// Notes an ingest key; `Duplicate(IngestKey)` when the run has it.
pub(in crate::store) fn insert_ingested(
    connection: &mut Connection,
    run: &RunId,
    key: &str,
    seq: Seq,
) -> Result<(), Error> {
    diesel::insert_into(ingest_keys::table)
        .values((
            ingest_keys::instance_id.eq(run.as_str()),
            ingest_keys::key.eq(key),
            ingest_keys::seq.eq(seq.0),
        ))
        .execute(connection)?;
    Ok(())
}
