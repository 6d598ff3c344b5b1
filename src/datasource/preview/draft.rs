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

/// Functions that do something outside of the transaction, beside those that no query may have. A name
/// that ends with `_` stands for all that begin so.
const OUTSIDE: &[(Dialect, &[&str])] = &[
    (
        Dialect::Postgres,
        &[
            "CURSOR_TO_XML",
            "DBLINK_",
            "LO_CREAT",
            "LO_CREATE",
            "LO_OPEN",
            "LO_TRUNCATE",
            "LO_UNLINK",
            "LOWRITE",
            "NEXTVAL",
            "PG_ADVISORY_",
            "PG_BACKUP_",
            "PG_CANCEL_BACKEND",
            "PG_COPY_",
            "PG_CREATE_",
            "PG_DROP_",
            "PG_EXPORT_SNAPSHOT",
            "PG_FILE_",
            "PG_LOG_",
            "PG_LOGICAL_",
            "PG_LS_",
            "PG_NOTIFY",
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
            "PG_TRY_ADVISORY_",
            "PG_WAL_REPLAY_",
            "QUERY_TO_",
            "SETVAL",
            "SET_CONFIG",
        ],
    ),
    (
        Dialect::MySql,
        &[
            "GET_LOCK",
            "LASTVAL",
            "MASTER_GTID_WAIT",
            "MASTER_POS_WAIT",
            "NEXTVAL",
            "RELEASE_ALL_LOCKS",
            "RELEASE_LOCK",
            "SETVAL",
        ],
    ),
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
    /// reads only and is rolled back, within the limits of every query. Against writes of tables, also by
    /// functions and by what stands behind WITH and EXPLAIN ANALYZE, that transaction is the guard, in
    /// each of the databases. It does not stop what happens outside of it: functions in languages that
    /// reach the server's files and network, extensions (dblink and its like), user-defined functions of
    /// MySQL, sequences of MariaDB, signals to other sessions, time and locks until the limit. The known
    /// ones are refused by name, which stops nobody who defines another one: that needs the right to
    /// create functions, and a data source should have a role without such rights.
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
    let words = Statement::words(dialect, statement);
    let outside = OUTSIDE.iter().filter(|(of, _)| *of == dialect).flat_map(|(_, names)| names.iter());
    let is = |name: &str, word: &str| word == name || (name.ends_with('_') && word.starts_with(name));
    for name in outside {
        if let Some(word) = words.iter().find(|word| is(name, word)) {
            return Err(refused(&format!("{word} does more than read")));
        }
    }
    if dialect == Dialect::MySql && words.windows(3).any(|three| three == ["NEXT", "VALUE", "FOR"]) {
        return Err(refused("NEXT VALUE does more than read"));
    }
    // A name that is spelled so that nobody reads it.
    if dialect == Dialect::Postgres && words.iter().any(|word| word.contains('\\') || word == "UESCAPE") {
        return Err(refused("write names without escapes"));
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
            (Sqlite, "SELECT nextval FROM t"),
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
            (Postgres, "SELECT \"PG_NOTIFY\"('a', 'b')"),
            (Postgres, "SELECT U&\"pg\\005fcancel_backend\"(1)"),
            (Postgres, "SELECT U&\"pg!005fcancel_backend\" UESCAPE '!' (1)"),
            (Postgres, "SELECT pg_logical_emit_message(false, 'a', 'b')"),
            (Postgres, "select nextval('s')"),
            (MySql, "SELECT NEXTVAL(s)"),
            (MySql, "SELECT NEXT VALUE FOR s"),
            (MySql, "SELECT 1 /*! INTO OUTFILE 'x' */"),
            (MySql, "SELECT 1 INTO OUTFILE 'x'"),
            (Sqlite, "PRAGMA user_version = 1"),
            (Sqlite, "ATTACH 'x' AS y"),
        ] {
            assert!(check(dialect, statement).is_err(), "{statement}");
        }
    }
}
