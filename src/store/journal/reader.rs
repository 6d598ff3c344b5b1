//! Pages of a stream.

use diesel::prelude::*;

use super::row::{self, Row, Stored};
use crate::{
    ids::{Epoch, Seq, StreamId},
    store::{
        Connection, Error,
        schema::{journal, streams},
    },
};

/// Rows loaded by the first query of a page; their size tells how many the next one may load.
const FIRST: usize = 16;
/// Rows loaded by one query at most.
const MOST: usize = 512;

/// Some rows of a stream, in order and without holes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Life of the stream.
    pub epoch: Epoch,
    /// Last seq of the stream when the page was read.
    pub head: Seq,
    /// The rows behind the seq that was asked for; none when that was the head.
    pub rows: Vec<Row>,
}

/// At most `max_rows` rows, and no further row once `max_bytes` of payload are there (but always
/// one). `NotFound` for a stream that was never made, `Corrupted` when the first row that is not
/// whole is the next one: rows before it come as a shorter page first.
pub(super) fn page(
    connection: &mut Connection,
    stream: &StreamId,
    after: Seq,
    max_rows: usize,
    max_bytes: usize,
) -> Result<Page, Error> {
    let (epoch, head): (i64, i64) =
        streams::table.find(stream.as_str()).select((streams::epoch, streams::head)).first(connection)?;
    let mut page = Page { epoch: Epoch(epoch), head: Seq(head), rows: Vec::new() };
    if head < 1 {
        // A stream is born with its first row: the head itself is not what was written.
        return broken(page, stream, 1);
    }
    let (mut last, mut bytes, mut step) = (after.0, 0_usize, FIRST);
    while last < head && page.rows.len() < max_rows && bytes < max_bytes {
        let limit = step.min(max_rows - page.rows.len());
        let stored: Vec<Stored> = journal::table
            .filter(journal::stream.eq(stream.as_str()))
            .filter(journal::seq.gt(last).and(journal::seq.le(head)))
            .order(journal::seq.asc())
            .limit(i64::try_from(limit).unwrap_or(i64::MAX))
            .select((
                journal::seq,
                journal::kind,
                journal::payload,
                journal::at,
                journal::writer,
                journal::checksum,
            ))
            .load(connection)?;
        if stored.is_empty() {
            // The head says that there is a row.
            return broken(page, stream, last + 1);
        }
        for row in stored {
            if row.0 != last + 1 {
                return broken(page, stream, last + 1);
            }
            last = row.0;
            match row::check(stream, row) {
                Ok(row) => {
                    bytes += row.payload.len();
                    page.rows.push(row);
                }
                Err(_) => return broken(page, stream, last),
            }
            if bytes >= max_bytes {
                break;
            }
        }
        let average = bytes / page.rows.len().max(1);
        step = (max_bytes.saturating_sub(bytes) / average.max(1)).clamp(1, MOST);
    }
    Ok(page)
}

/// What was whole is served; the next page, which begins with the bad row, is the error.
fn broken(page: Page, stream: &StreamId, seq: i64) -> Result<Page, Error> {
    if page.rows.is_empty() {
        log::error!(stream = stream.as_str(), seq; "row {seq} of {stream} is corrupted or missing");
        return Err(Error::Corrupted { stream: stream.clone(), seq: Seq(seq) });
    }
    Ok(page)
}
