//! The transaction of a batch.
//!
//! Where the database can, a batch of results is one statement. The other common way is one statement for all heads, one for all rows, then the projections. Only when
//! that fails because of one of its appends is everything rolled back and each append tried in a
//! savepoint of its own, so that one stream's violation fails its own waiter only.

use std::collections::HashMap;

use diesel::{Connection as _, prelude::*};

use super::{
    Append, Appended, Origin, arrays, projection,
    queue::AppendJob,
    row::checksum,
    sql::{Birth, Claim, InsertRows, InsertStreams, MoveHeads, PlacedRow, parts},
};
use crate::{
    crash_point,
    ids::{Epoch, Seq},
    store::{
        Connection, Error, dialect,
        schema::{journal, streams},
        tables::to_micros,
    },
};

/// How a batch that was not committed failed.
pub(super) enum Failure {
    /// Storage failed before the commit: nothing was written.
    Before(Error),
    /// The commit was sent and its answer is lost: it may be there.
    AtCommit(Error),
}

/// One answer a job, in their order, after a commit.
pub(super) type Answers = Vec<Result<Appended, Error>>;

/// Writes a batch. Streams are different. `epoch` is for streams that are born.
pub(super) fn write(
    connection: &mut Connection,
    jobs: &[AppendJob],
    writer: &str,
    epoch: i64,
) -> Result<Answers, Failure> {
    if !jobs.iter().any(|job| job.uncertain) {
        if jobs.iter().all(is_plain)
            && let Some(answers) = at_once(connection, jobs, writer)
        {
            return answers;
        }
        match together(connection, jobs, writer, epoch) {
            Ok(answers) => return Ok(answers),
            Err(Failure::Before(error)) if is_of_storage(&error) => return Err(Failure::Before(error)),
            Err(Failure::Before(error)) if jobs.len() == 1 => return Ok(vec![Err(error)]),
            Err(Failure::Before(_)) => {}
            Err(failure) => return Err(failure),
        }
    }
    one_by_one(connection, jobs, writer, epoch)
}

/// Where a new connection sees every commit, one look tells what became of an unheard one: an append
/// that is not there was not written, and its client need not wait until storage is back.
pub(super) fn settle(connection: &mut Connection, jobs: &mut [AppendJob], writer: &str) -> Result<(), Error> {
    if !dialect::sees_every_commit(connection) {
        return Ok(());
    }
    for job in jobs.iter_mut().filter(|job| job.uncertain) {
        job.uncertain = find(connection, &job.append, writer)?.is_some();
    }
    Ok(())
}

/// The storage's fault rather than an append's.
fn is_of_storage(error: &Error) -> bool {
    matches!(error, Error::Unavailable(_) | Error::Busy)
}

/// Rows of the hub for streams that there are, and nothing beside them. (What a client wants must be
/// refused at once when storage fails, so it must be clear that its commit was not sent.)
fn is_plain(job: &AppendJob) -> bool {
    let append = &job.append;
    append.origin == Origin::Hub && !append.create && append.projections.is_empty()
}

/// Where the database can, a batch of plain appends is one statement and its own transaction. None
/// where it cannot, or when one of the appends is at fault.
fn at_once(
    connection: &mut Connection,
    jobs: &[AppendJob],
    writer: &str,
) -> Option<Result<Answers, Failure>> {
    dialect::with_arrays(connection)?;
    if let Err(error) = before_statement() {
        return Some(Err(Failure::Before(error)));
    }
    let claims: Vec<_> = jobs.iter().map(|job| claim(&job.append)).collect();
    let rows = placed(jobs.iter().map(|job| &job.append), writer);
    let moved = arrays::append(dialect::with_arrays(connection)?, &claims, &rows, writer);
    match moved {
        Ok(moved) => {
            if let Err(failure) = after_commit() {
                return Some(Err(failure));
            }
            let moved: HashMap<&str, i64> =
                moved.iter().map(|(stream, epoch)| (stream.as_str(), *epoch)).collect();
            let answer = |job: &AppendJob| {
                let epoch = moved.get(job.append.stream.as_str()).ok_or(Error::Fenced)?;
                Ok(appended(&job.append, *epoch))
            };
            Some(Ok(jobs.iter().map(answer).collect()))
        }
        Err(error) => {
            let error = Error::from(error);
            if is_of_storage(&error) || !dialect::is_there(connection) {
                return Some(Err(Failure::AtCommit(storage(error))));
            }
            None
        }
    }
}

fn before_statement() -> Result<(), Error> {
    crash_point!("journal.before_begin", Error::unavailable("crash point"));
    before_commit()
}

fn together(
    connection: &mut Connection,
    jobs: &[AppendJob],
    writer: &str,
    epoch: i64,
) -> Result<Answers, Failure> {
    begin(connection)?;
    let written = (|| {
        let epochs = heads(connection, jobs, writer, epoch)?;
        insert_rows(connection, jobs.iter().map(|job| &job.append), writer)?;
        crash_point!("journal.mid_batch", Error::unavailable("crash point"));
        for job in jobs {
            for wanted in &job.append.projections {
                projection::apply(connection, &job.append.stream, wanted)?;
            }
        }
        Ok(epochs)
    })();
    match written {
        Ok(epochs) => {
            let answers =
                jobs.iter().zip(epochs).map(|(job, epoch)| Ok(appended(&job.append, epoch))).collect();
            commit(connection)?;
            Ok(answers)
        }
        Err(error) => Err(give_up(connection, error)),
    }
}

/// Checks owners and heads of all, and moves the heads; the epochs in the order of the jobs.
fn heads(
    connection: &mut Connection,
    jobs: &[AppendJob],
    writer: &str,
    epoch: i64,
) -> Result<Vec<i64>, Error> {
    let (mut births, mut claims) = (Vec::new(), Vec::new());
    for job in jobs {
        let append = &job.append;
        if append.create {
            let (stream, head) = (append.stream.as_str(), appended(append, 0).head.0);
            births.push(Birth { stream, epoch, head, owner: writer });
        } else {
            claims.push(claim(append));
        }
    }
    for part in parts(&births) {
        InsertStreams(part).execute(connection)?;
    }
    let mut moved: Vec<(String, i64)> = Vec::with_capacity(claims.len());
    match dialect::with_arrays(connection) {
        Some(_) if claims.is_empty() => {}
        Some(connection) => moved = arrays::move_heads(connection, &claims)?,
        None => {
            for part in parts(&claims) {
                moved.extend(MoveHeads(part).load::<(String, i64)>(connection)?);
            }
        }
    }
    if moved.len() != claims.len() {
        return Err(Error::Fenced);
    }
    if let ([job], [(_, epoch)]) = (jobs, moved.as_slice()) {
        debug_assert!(!job.append.create);
        return Ok(vec![*epoch]);
    }
    let moved: HashMap<&str, i64> = moved.iter().map(|(stream, epoch)| (stream.as_str(), *epoch)).collect();
    Ok(jobs.iter().map(|job| moved.get(job.append.stream.as_str()).copied().unwrap_or(epoch)).collect())
}

fn insert_rows<'a>(
    connection: &mut Connection,
    appends: impl Iterator<Item = &'a Append>,
    writer: &'a str,
) -> Result<(), Error> {
    let placed = placed(appends, writer);
    match dialect::with_arrays(connection) {
        Some(connection) => {
            arrays::insert_rows(connection, &placed, writer)?;
        }
        None => {
            for part in parts(&placed) {
                InsertRows(part).execute(connection)?;
            }
        }
    }
    Ok(())
}

fn claim(append: &Append) -> Claim<'_> {
    Claim {
        stream: append.stream.as_str(),
        expected: append.expected_head.0,
        owner_version: append.owner_version,
        head: appended(append, 0).head.0,
    }
}

fn placed<'a>(appends: impl Iterator<Item = &'a Append>, writer: &'a str) -> Vec<PlacedRow<'a>> {
    let mut placed = Vec::new();
    for append in appends {
        let stream = append.stream.as_str();
        let mut seq = append.expected_head.0;
        for row in &append.rows {
            seq += 1;
            let at = to_micros(row.at);
            let checksum = checksum(stream, seq, &row.kind, &row.payload, at, writer);
            let (kind, payload) = (row.kind.as_ref(), row.payload.as_str());
            placed.push(PlacedRow { stream, seq, kind, payload, at, writer, checksum });
        }
    }
    placed
}

fn one_by_one(
    connection: &mut Connection,
    jobs: &[AppendJob],
    writer: &str,
    epoch: i64,
) -> Result<Answers, Failure> {
    begin(connection)?;
    let mut answers = Vec::with_capacity(jobs.len());
    for job in jobs {
        let result = connection.transaction(|connection| alone(connection, job, writer, epoch));
        let result = match result {
            Err(error) if is_of_storage(&error) => return Err(give_up(connection, error)),
            Err(error) if job.uncertain => match find(connection, &job.append, writer) {
                Ok(Some(found)) => Ok(found),
                Ok(None) => Err(error),
                Err(error) => return Err(give_up(connection, error)),
            },
            result => result,
        };
        answers.push(result);
    }
    commit(connection)?;
    Ok(answers)
}

fn alone(connection: &mut Connection, job: &AppendJob, writer: &str, epoch: i64) -> Result<Appended, Error> {
    let epochs = heads(connection, std::slice::from_ref(job), writer, epoch)?;
    insert_rows(connection, std::iter::once(&job.append), writer)?;
    for wanted in &job.append.projections {
        projection::apply(connection, &job.append.stream, wanted)?;
    }
    Ok(appended(&job.append, epochs.first().copied().unwrap_or(epoch)))
}

/// Was this append committed by an earlier try? Its first row says so: its place was free when the
/// try began, and the row names its writer. The head's row was locked by the statement that failed
/// before, so a commit that is still under way on the server has ended by now.
fn find(connection: &mut Connection, append: &Append, writer: &str) -> Result<Option<Appended>, Error> {
    let (stream, first) = (append.stream.as_str(), append.expected_head.next());
    let Some(row) = append.rows.first() else { return Ok(None) };
    let found: Option<(String, i64)> = journal::table
        .find((stream, first.0))
        .select((journal::writer, journal::checksum))
        .first(connection)
        .optional()?;
    let Some((by, sum)) = found else { return Ok(None) };
    if by != writer || sum != checksum(stream, first.0, &row.kind, &row.payload, to_micros(row.at), writer) {
        return Ok(None);
    }
    let epoch: Option<i64> =
        streams::table.find(stream).select(streams::epoch).first(connection).optional()?;
    Ok(epoch.map(|epoch| appended(append, epoch)))
}

fn appended(append: &Append, epoch: i64) -> Appended {
    let before = append.expected_head.0;
    let count = i64::try_from(append.rows.len()).unwrap_or(i64::MAX);
    Appended { epoch: Epoch(epoch), first: Seq(before + 1), head: Seq(before.saturating_add(count)) }
}

fn begin(connection: &mut Connection) -> Result<(), Failure> {
    crash_point!("journal.before_begin", Failure::Before(Error::unavailable("crash point")));
    dialect::begin_write(connection).map_err(|error| Failure::Before(storage(error.into())))
}

fn commit(connection: &mut Connection) -> Result<(), Failure> {
    if let Err(error) = before_commit() {
        return Err(give_up(connection, error));
    }
    dialect::commit(connection).map_err(|error| Failure::AtCommit(storage(error.into())))?;
    after_commit()
}

fn after_commit() -> Result<(), Failure> {
    crash_point!("journal.after_commit", Failure::AtCommit(Error::unavailable("crash point")));
    Ok(())
}

fn before_commit() -> Result<(), Error> {
    crash_point!("journal.before_commit", Error::unavailable("crash point"));
    Ok(())
}

/// Beginning and committing fail for no append's sake.
fn storage(error: Error) -> Error {
    if is_of_storage(&error) { error } else { Error::unavailable(error) }
}

fn give_up(connection: &mut Connection, error: Error) -> Failure {
    let rolled_back = dialect::rollback(connection);
    if let Err(failed) = &rolled_back {
        log::debug!("rollback failed: {failed}");
    }
    // The words of a connection that broke differ; that it broke does not. Asked after the rollback:
    // an open transaction counts as broken.
    let broken = rolled_back.is_err() || dialect::is_broken(connection);
    Failure::Before(if broken { storage(error) } else { error })
}
