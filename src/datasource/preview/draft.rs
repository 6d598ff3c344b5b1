//! SQL that is saved nowhere.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::{
    datasource::{
        DataSources, Error, Reason,
        door::{About, Inner, Ordered},
        drivers::Manner,
        preview::Glance,
        saved::Source,
        sql::{Dialect, Statement},
    },
    ids::{DataSourceId, TenantId},
};

/// Functions of PostgreSQL whose effect no rollback takes back, or that run a statement which stands in a
/// text; beside those that no query may have. A name that ends with `_` stands for all that begin so.
const OUTSIDE: &[&str] = &[
    "CROSSTAB",
    "DBLINK_",
    "PG_BACKUP_",
    "PG_CANCEL_BACKEND",
    "PG_COPY_",
    "PG_CREATE_",
    "PG_DROP_",
    "PG_FILE_",
    "PG_LOG_",
    "PG_LOGICAL_",
    "PG_LS_",
    "PG_PROMOTE",
    "PG_READ_",
    "PG_REPLICATION_ORIGIN_",
    "PG_REPLICATION_SLOT_ADVANCE",
    "PG_START_BACKUP",
    "PG_STAT_RESET",
    "PG_STAT_RESET_",
    "PG_STAT_STATEMENTS_RESET",
    "PG_STOP_BACKUP",
    "PG_SWITCH_WAL",
    "PG_WAL_REPLAY_",
    "QUERY_TO_",
    "TS_REWRITE",
    "TS_STAT",
];

/// A draft that may be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftCheck {
    /// The title of its source.
    pub source: String,
    /// The kind of its source.
    pub kind: String,
    /// What would be sent.
    pub statement: String,
}

impl DataSources {
    /// Whether [`Self::draft`] would send this statement; connects to nothing. Whether the database takes
    /// it is known only there. [`Error::Foreign`]: the tenant has no such source.
    pub async fn check_draft(
        &self,
        tenant: &TenantId,
        source: &DataSourceId,
        statement: &str,
    ) -> Result<DraftCheck, Error> {
        let (source, _) = self.inner.drafted(tenant, source, statement).await?;
        let Source { title, kind, .. } = source;
        let built = Statement::build(dialect(&kind)?, &options(statement), &Map::new())?;
        Ok(DraftCheck { source: title, kind, statement: built.text })
    }

    /// Runs a statement that is saved nowhere and keeps the first `rows` of its answer. It is for people
    /// who might save and run it as well.
    ///
    /// The statement must begin with a word that reads, has no templates, and runs in a transaction that
    /// reads only and is rolled back, within the limits of every query. That transaction is the guard
    /// against writes, at each of the databases: of tables (also without transactions) and sequences, by
    /// functions, behind WITH and behind EXPLAIN ANALYZE; a message of NOTIFY, a large object, a setting
    /// goes with the rollback. It does not stop what happens outside of it: a function in a language that
    /// reaches files and network, an extension such as dblink, a user-defined function of MySQL in C, a
    /// signal to another session; locks are held and work is done until the limit of time. Those that
    /// PostgreSQL brings along are refused by name (`OUTSIDE`), which stops nobody who has others: a data
    /// source should have a role that cannot create or execute such functions.
    pub async fn draft(
        &self,
        tenant: &TenantId,
        source: &DataSourceId,
        statement: &str,
        rows: usize,
        timeout: Duration,
    ) -> Result<Glance, Error> {
        let about = About { tenant: tenant.clone(), query: "draft".to_owned(), of_run: false };
        let (tenant, source, statement) = (tenant.clone(), source.clone(), statement.to_owned());
        let answer = self.watched(about, |inner, asked| async move {
            let begun = inner.clock.monotonic();
            let (source, options) = inner.drafted(&tenant, &source, &statement).await?;
            asked.of(&source.kind);
            let limit = timeout.min(*inner.settings.timeout);
            let manner = Manner { rows: Some(rows), ..Manner::default() };
            let inputs = Map::new();
            inner.order(Ordered { tenant, source, options, inputs, key: None, begun, limit, manner }).await
        });
        answer.await.map(|answer| Glance::of(answer, rows))
    }
}

impl Inner {
    /// The source, and the draft as the options of a query that only reads.
    async fn drafted(
        &self,
        tenant: &TenantId,
        source: &DataSourceId,
        statement: &str,
    ) -> Result<(Source, Value), Error> {
        let source = self.shelf.source(tenant, source).await?.ok_or(Error::Foreign)?;
        check(dialect(&source.kind)?, statement)?;
        Ok((source, options(statement)))
    }
}

fn dialect(kind: &str) -> Result<Dialect, Error> {
    match kind {
        "postgresql" => Ok(Dialect::Postgres),
        "mysql" => Ok(Dialect::MySql),
        "sqlite" => Ok(Dialect::Sqlite),
        _ => Err(refused("its data source is no database")),
    }
}

fn options(statement: &str) -> Value {
    json!({ "query": statement, "readOnly": true })
}

fn check(dialect: Dialect, statement: &str) -> Result<(), Error> {
    if statement.contains("{{") {
        return Err(refused("it has no inputs: write the values out"));
    }
    if let Some(problem) = Statement::problems(dialect, &options(statement)).first() {
        return Err(refused(&problem.message));
    }
    // MySQL and MariaDB have none of that kind that every query may have, SQLite has no functions of its own.
    if dialect != Dialect::Postgres {
        return Ok(());
    }
    let words = Statement::words(dialect, statement);
    // A name that is spelled so that nobody reads it.
    if words.iter().any(|word| word.contains('\\') || word == "UESCAPE") {
        return Err(refused("write names without escapes"));
    }
    let is_outside = |word: &&String| {
        OUTSIDE.iter().any(|name| *word == name || (name.ends_with('_') && word.starts_with(name)))
    };
    if let Some(word) = words.iter().find(is_outside) {
        return Err(refused(&format!("{word} does more than read")));
    }
    Ok(())
}

fn refused(why: &str) -> Error {
    Error::failed(Reason::Settings, format!("the statement cannot be run as a draft: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_draft_may_be() {
        use Dialect::{MySql, Postgres, Sqlite};
        for (dialect, statement) in [
            (
                Postgres,
                "SELECT pg_size_pretty(1), 'nextval', $$pg_notify$$ FROM pg_replication_slots -- dblink",
            ),
            (Postgres, "with a as (select 1) select * from a;"),
            (MySql, "SHOW TABLES"),
            (MySql, "SELECT next, value FROM t"),
            (Sqlite, "SELECT pg_drop_x FROM t"),
        ] {
            assert!(check(dialect, statement).is_ok(), "{statement}");
        }
        for (dialect, statement) in [
            (Postgres, ""),
            (Postgres, "SELECT {{a}}"),
            (Postgres, "SELECT '{{a}}'"),
            (Postgres, "DELETE FROM t"),
            (Postgres, "SELECT 1; DELETE FROM t"),
            (Postgres, "COPY t TO PROGRAM 'x'"),
            (Postgres, "SELECT * FROM dblink('x', 'y')"),
            (Postgres, "SELECT pg_catalog.\"pg_cancel_backend\"(1)"),
            (Postgres, "SELECT \"PG_LS_DIR\"('a')"),
            (Postgres, "SELECT query_to_xml_and_xmlschema('SELECT 1', true, true, '')"),
            (Postgres, "SELECT U&\"pg\\005fcancel_backend\"(1)"),
            (Postgres, "SELECT U&\"pg!005fcancel_backend\" UESCAPE '!' (1)"),
            (Postgres, "SELECT pg_logical_emit_message(false, 'a', 'b')"),
            (Postgres, "select pg_stat_reset()"),
            (MySql, "SELECT 1 /*! INTO OUTFILE 'x' */"),
            (MySql, "SELECT 1 INTO OUTFILE 'x'"),
            (Sqlite, "PRAGMA user_version = 1"),
            (Sqlite, "ATTACH 'x' AS y"),
        ] {
            assert!(check(dialect, statement).is_err(), "{statement}");
        }
    }
}
