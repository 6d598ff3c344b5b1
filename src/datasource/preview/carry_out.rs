//! A query that counts, once.

use crate::datasource::{
    DataSources, Effect, Error, QueryCall, door::About, drivers::Manner, preview::Glance,
};

/// A query that failed, and whether it may have happened nevertheless.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{error}")]
pub struct Undone {
    /// Why it failed.
    pub error: Error,
    /// It may have changed something. Never of a query that only reads ([`Effect::Reads`]). Of another one:
    /// it was on its way, and nobody has said that it was refused or taken back. Refused: the database
    /// answered with an error of the statement and all of the transaction was rolled back (at MySQL and
    /// MariaDB not behind CALL, nor where tables without transactions kept something); the service
    /// answered 3xx or 4xx, but not 408.
    pub sent: bool,
}

impl DataSources {
    /// Runs a saved query that a person approved, with an effect or without one, and shows the first `rows`
    /// of its answer. It is sent at most once.
    pub async fn carry_out(&self, call: QueryCall, rows: usize) -> Result<Glance, Undone> {
        let about = About::of(&call);
        let manner = Manner { rows: Some(rows), ..Manner::default() };
        // Told also when the query is given up and nobody is there to say anything.
        let sent = manner.sent.clone();
        let answer = self.watched(about, |inner, asked| async move {
            let saved = inner.load(&call.tenant, &call.query).await?;
            let effect = saved.as_ref().map_or(Effect::MayWrite, |saved| saved.effect());
            let manner = match effect {
                Effect::MayWrite => manner,
                // Nobody is told of it: there is nothing to fear.
                Effect::Reads => Manner { rows: manner.rows, ..Manner::default() },
            };
            inner.answer(call, saved, manner, &asked).await
        });
        match answer.await {
            Ok(answer) => Ok(Glance::of(answer, rows)),
            Err(error) => Err(Undone { sent: sent.may_have_happened(), error }),
        }
    }
}
