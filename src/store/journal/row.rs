//! A row and its checksum.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::{
    ids::{Seq, StreamId},
    store::Error,
};

/// A row to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRow {
    /// What happened, in the words of the stream's kind (`NODE_DISPATCHED`).
    pub kind: Cow<'static, str>,
    /// JSON text.
    pub payload: String,
    /// When; kept to the microsecond.
    pub at: Timestamp,
}

/// A row as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its place.
    pub seq: Seq,
    /// What happened.
    pub kind: String,
    /// JSON text.
    pub payload: String,
    /// When.
    pub at: Timestamp,
    /// The hub process that wrote it.
    pub writer: String,
}

/// A row as the table holds it.
pub(super) type Stored = (i64, String, String, i64, String, i64);

/// CRC-32 of all columns, lengths before texts, so that no two rows run together. SQLite has no
/// checksum a page: this one is what tells a flipped bit from a payload.
pub(super) fn checksum(stream: &str, seq: i64, kind: &str, payload: &str, at: i64, writer: &str) -> i64 {
    let mut crc = crc32fast::Hasher::new();
    for text in [stream, kind, payload, writer] {
        crc.update(&(text.len() as u64).to_le_bytes());
        crc.update(text.as_bytes());
    }
    crc.update(&seq.to_le_bytes());
    crc.update(&at.to_le_bytes());
    i64::from(crc.finalize())
}

/// The row, if it is what was written.
pub(super) fn check(stream: &StreamId, stored: Stored) -> Result<Row, Error> {
    let (seq, kind, payload, at, writer, sum) = stored;
    let corrupted = || Error::Corrupted { stream: stream.clone(), seq: Seq(seq) };
    if checksum(stream.as_str(), seq, &kind, &payload, at, &writer) != sum {
        return Err(corrupted());
    }
    let at = Timestamp::from_microsecond(at).map_err(|_| corrupted())?;
    Ok(Row { seq: Seq(seq), kind, payload, at, writer })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_in_the_checksum() {
        let sum = checksum("s", 1, "k", "{}", 5, "w");
        let others = [
            checksum("t", 1, "k", "{}", 5, "w"),
            checksum("s", 2, "k", "{}", 5, "w"),
            checksum("s", 1, "l", "{}", 5, "w"),
            checksum("s", 1, "k", "[]", 5, "w"),
            checksum("s", 1, "k", "{}", 6, "w"),
            checksum("s", 1, "k", "{}", 5, "x"),
            checksum("sk", 1, "", "{}", 5, "w"),
        ];
        assert!(others.iter().all(|other| *other != sum));
    }
}
