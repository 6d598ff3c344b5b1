//! `schema.rs` and the migrations of both databases say the same.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{
    QueryableByName, RunQueryDsl,
    sql_types::{BigInt, Text},
};

use super::bed::{beside, both, open};
use crate::store::Connection;

/// Column to (type, may be null, place in the key or 0), for each table.
type Tables = BTreeMap<String, BTreeMap<String, (String, bool, i64)>>;

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    nullable: i64,
    #[diesel(sql_type = BigInt)]
    key: i64,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

const SQLITE: &str = "SELECT m.name AS table_name, p.name AS column_name, p.type AS kind, \
    CASE p.\"notnull\" WHEN 0 THEN 1 ELSE 0 END AS nullable, p.pk AS key \
    FROM sqlite_master m JOIN pragma_table_info(m.name) p \
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE '\\_\\_%' ESCAPE '\\'";

const POSTGRESQL: &str = "SELECT c.table_name::text, c.column_name::text, c.data_type::text AS kind, \
    (CASE c.is_nullable WHEN 'YES' THEN 1 ELSE 0 END)::bigint AS nullable, COALESCE(k.ordinal_position, 0)::bigint AS key \
    FROM information_schema.columns c \
    LEFT JOIN (SELECT u.table_name, u.column_name, u.ordinal_position FROM information_schema.key_column_usage u \
        JOIN information_schema.table_constraints t USING (constraint_name, table_name, table_schema) \
        WHERE t.constraint_type = 'PRIMARY KEY') k USING (table_name, column_name) \
    WHERE c.table_schema = 'public' AND c.table_name NOT LIKE '\\_\\_%'";

const INDEXES_SQLITE: &str =
    "SELECT name FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite_autoindex%'";
// Those of constraints have names of PostgreSQL's own making, and no name on SQLite.
const INDEXES_POSTGRESQL: &str = "SELECT c.relname::text AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
    WHERE c.relnamespace = 'public'::regnamespace AND NOT i.indisunique";

fn of_database(connection: &mut Connection) -> Tables {
    let query = match connection {
        Connection::Sqlite(_) => SQLITE,
        Connection::Postgresql(_) => POSTGRESQL,
    };
    let columns: Vec<Column> = diesel::sql_query(query).load(connection).unwrap();
    let mut tables = Tables::new();
    for column in columns {
        let kind = match column.kind.to_lowercase().as_str() {
            "text" => "Text",
            "bigint" => "BigInt",
            "boolean" => "Bool",
            other => panic!("{}.{}: {other}", column.table_name, column.column_name),
        };
        let entry = (kind.to_owned(), column.nullable == 1, column.key);
        tables.entry(column.table_name).or_default().insert(column.column_name, entry);
    }
    tables
}

fn of_source() -> Tables {
    let mut tables = Tables::new();
    let (mut table, mut keys) = (String::new(), Vec::new());
    for line in include_str!("../schema.rs").lines().map(str::trim) {
        if let Some((name, rest)) = line.strip_suffix(") {").and_then(|line| line.split_once(" (")) {
            table = name.to_owned();
            keys = rest.split(", ").map(str::to_owned).collect();
        } else if let Some((column, kind)) = line.strip_suffix(',').and_then(|line| line.split_once(" -> ")) {
            let inner = kind.strip_prefix("Nullable<").and_then(|kind| kind.strip_suffix('>'));
            let key = keys.iter().position(|key| key == column).map_or(0, |place| place as i64 + 1);
            let entry = (inner.unwrap_or(kind).to_owned(), inner.is_some(), key);
            tables.entry(table.clone()).or_default().insert(column.to_owned(), entry);
        }
    }
    tables
}

#[test]
fn tables_and_columns_are_those_of_schema_rs() {
    let source = of_source();
    assert!(source.len() > 10 && source.contains_key("journal"), "{source:?}");
    both(async |database| {
        let _store = open(database);
        let found = of_database(&mut beside(database));
        for (table, columns) in &source {
            assert_eq!(found.get(table), Some(columns), "{table} on {}", database.name);
        }
        assert_eq!(found.keys().collect::<Vec<_>>(), source.keys().collect::<Vec<_>>());
    });
}

#[test]
fn both_databases_have_the_same_indexes() {
    let seen = parking_lot::Mutex::new(Vec::new());
    both(async |database| {
        let _store = open(database);
        let mut connection = beside(database);
        let query = match &connection {
            Connection::Sqlite(_) => INDEXES_SQLITE,
            Connection::Postgresql(_) => INDEXES_POSTGRESQL,
        };
        let names: Vec<Name> = diesel::sql_query(query).load(&mut connection).unwrap();
        let names: BTreeSet<String> = names.into_iter().map(|row| row.name).collect();
        assert!(names.contains("runs_attention"), "{names:?}");
        seen.lock().push(names);
    });
    let seen = seen.into_inner();
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
}

#[test]
fn both_sets_of_migrations_have_the_same_names() {
    let names = |folder: &str| -> BTreeSet<String> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(folder);
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(names("sqlite"), names("postgresql"));
}
