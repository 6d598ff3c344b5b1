//! Starting: migrations that are interrupted, raced or newer, and what the files look like.

use std::{os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use diesel::{QueryableByName, RunQueryDsl, sql_types::Text};

use super::{
    bed::{Database, append, beside, both, first, open, open_with, run_beside},
    process::start,
};
use crate::{clock::Clock, store::Error};

#[derive(QueryableByName, PartialEq, Debug)]
struct Applied {
    #[diesel(sql_type = Text)]
    version: String,
}

/// How many migrations there are.
fn known() -> usize {
    std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite")).unwrap().count()
}

fn applied(database: &Database) -> Vec<Applied> {
    let query = "SELECT version FROM __diesel_schema_migrations ORDER BY version";
    diesel::sql_query(query).load(&mut beside(database)).unwrap()
}

#[test]
fn a_start_migrates_once() {
    both(async |database| {
        let store = open(database);
        let migrated = store.migrated().clone();
        assert!(migrated.applied[0].starts_with("0001"), "{migrated:?}");
        store.close().await;
        drop(store);
        let store = open(database);
        assert_eq!(store.migrated().applied, Vec::<String>::new());
        assert_eq!(store.migrated().version, migrated.version);
    });
}

/// F20: an older binary on a newer schema.
#[test]
fn a_newer_schema_is_refused_and_left_as_it_is() {
    both(async |database| {
        let store = open(database);
        let newest = store.migrated().version.clone();
        store.close().await;
        drop(store);
        run_beside(database, "INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')");
        let before = (applied(database), content(database));
        let clock = Clock::real();
        let began = clock.monotonic();
        let refused = open_with(database, |_, _| {}).err().unwrap();
        assert!(clock.monotonic() - began < Duration::from_secs(2));
        let words = refused.to_string();
        assert!(matches!(refused, Error::NewerSchema { .. }) && words.contains("9999"), "{words}");
        assert!(words.contains(&newest), "both versions are named: {words}");
        assert_eq!((applied(database), content(database)), before);
    });
}

/// The SQLite file; nothing on PostgreSQL.
fn content(database: &Database) -> Vec<u8> {
    std::fs::read(database.state().join("jethub.db")).unwrap_or_default()
}

/// F20: four starts at once. On PostgreSQL each is a hub with a state directory of its own, on SQLite
/// they want the same file.
#[test]
fn of_four_starts_at_once_one_migrates() {
    both(async |database| {
        let states: Vec<tempfile::TempDir> = (0..4).map(|_| tempfile::tempdir().unwrap()).collect();
        let server = database.url.is_some();
        let state = |n: usize| if server { states[n].path() } else { database.state() };
        let children: Vec<_> = (0..4).map(|n| start("open", database, state(n), "")).collect();
        let ends: Vec<_> = children.into_iter().map(super::process::Running::end).collect();
        let words: String = ends.iter().map(|(_, words)| words.as_str()).collect();
        assert!(ends.iter().all(|(status, _)| status.success()), "{words}");
        let count = |word: &str| ends.iter().filter(|(_, words)| words.contains(word)).count();
        assert_eq!(count(&format!("OPEN {}", known())), 1, "{words}");
        let others =
            if server { count("OPEN 0") } else { count("OPEN 0") + count("in use by another process") };
        assert_eq!(others, 3, "{words}");
        assert_eq!(applied(database).len(), known());
        open(database).close().await;
    });
}

/// F20: killed between the statements of a migration and its end.
#[cfg(feature = "failpoints")]
#[test]
fn an_interrupted_migration_is_rolled_back_and_run_again() {
    use std::os::unix::process::ExitStatusExt as _;
    both(async |database| {
        for _ in 0..3 {
            let (status, words) =
                start("open", database, database.state(), "migration.mid=return(kill)").end();
            assert_eq!(status.signal(), Some(9), "{words}");
        }
        let store = open(database);
        assert_eq!(store.migrated().applied.len(), known());
        append(&store, first("run:a", 1)).await.unwrap();
    });
}

#[test]
fn jethub_migrate_refuses_while_a_hub_runs() {
    both(async |database| {
        let settings = crate::config::sections::Database {
            url: database.url.clone().map(crate::config::Secret::new),
            ..Default::default()
        };
        let migrate = || crate::store::migrate(&settings, &Default::default(), database.state());
        assert_eq!(migrate().unwrap().applied.len(), known());
        let store = open(database);
        let refused = migrate();
        assert!(matches!(refused, Err(Error::Locked(_))), "{refused:?}");
        store.close().await;
        assert_eq!(migrate().unwrap().applied.len(), 0);
    });
}

/// A69; SQLite only: PostgreSQL's files are not ours.
#[test]
fn files_are_for_this_user_only() {
    let database = Database::sqlite();
    let state = database.state().join("made/by/the store");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = super::bed::open_at(None, &state).unwrap();
        append(&store, first("run:a", 1)).await.unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&state), 0o700);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&state).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            names.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
        for name in ["jethub.db", "jethub.db-wal", "jethub.db-shm", "jethub.lock"] {
            assert!(names.iter().any(|found| found == name), "{names:?}");
        }
    });
}

/// A file that SQLite does not know is refused, whatever it holds, and stays as it is.
#[test]
fn a_file_that_is_no_database_is_refused() {
    let database = Database::sqlite();
    let text = b"SQLite format 2\0 and then something else entirely".repeat(100);
    std::fs::write(database.state().join("jethub.db"), &text).unwrap();
    assert!(open_with(&database, |_, _| {}).is_err());
    assert_eq!(content(&database), text);
}
