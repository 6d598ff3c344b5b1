//! Pages, and rows that are not what was written.

use diesel::connection::SimpleConnection;

use super::bed::{Database, all, append, assert_whole, beside, both, first, next, open, run_beside, stream};
use crate::{
    ids::Seq,
    store::{Error, NewRow},
};

#[test]
fn pages_are_bounded_in_rows_and_bytes() {
    both(async |database| {
        let store = open(database);
        append(&store, first("run:a", 400)).await.unwrap();
        append(&store, next("run:a", 400, 600)).await.unwrap();
        assert_whole(&store, "run:a", 1000).await;
        let read =
            async |after, rows, bytes| store.journal().read(&stream("run:a"), Seq(after), rows, bytes).await;
        let page = read(990, 100, 1 << 20).await.unwrap();
        assert_eq!((page.rows.len(), page.head), (10, Seq(1000)));
        assert_eq!(page.rows[0].seq, Seq(991));
        assert_eq!(read(0, 7, 1 << 20).await.unwrap().rows.len(), 7);
        assert_eq!(read(0, 100, 1).await.unwrap().rows.len(), 1, "always one row");
        let bytes: usize = read(0, 1000, 200).await.unwrap().rows.iter().map(|row| row.payload.len()).sum();
        assert!((200..220).contains(&bytes), "{bytes}");
        assert_eq!(read(1000, 10, 10).await.unwrap().rows, []);
        assert_eq!(read(5000, 10, 10).await.unwrap().rows, []);
        let unknown = store.journal().read(&stream("run:b"), Seq(0), 1, 1).await;
        assert!(matches!(unknown, Err(Error::NotFound)), "{unknown:?}");
    });
}

#[test]
fn a_changed_or_missing_row_is_found_and_others_are_served() {
    both(async |database| {
        let store = open(database);
        for name in ["run:a", "run:b", "run:c", "run:d"] {
            append(&store, first(name, 40)).await.unwrap();
        }
        run_beside(
            database,
            "UPDATE journal SET payload = '{\"n\":0}' WHERE stream = 'run:a' AND seq = 20; \
             DELETE FROM journal WHERE stream = 'run:b' AND seq = 40; \
             UPDATE journal SET seq = 41 WHERE stream = 'run:c' AND seq = 1",
        );
        for (name, bad) in [("run:a", 20), ("run:b", 40), ("run:c", 1)] {
            let (mut after, mut rows) = (Seq::ZERO, 0);
            let error = loop {
                match store.journal().read(&stream(name), after, 100, 1 << 20).await {
                    Ok(page) => {
                        after = page.rows.last().expect("the head is not reached").seq;
                        rows += page.rows.len() as i64;
                    }
                    Err(error) => break error,
                }
            };
            assert_eq!(rows, bad - 1, "{name}: the rows before it are served");
            assert!(matches!(error, Error::Corrupted { seq: Seq(seq), .. } if seq == bad), "{name}: {error}");
        }
        assert_whole(&store, "run:d", 40).await;
    });
}

/// F12 in small; SQLite only: its pages carry no checksum, PostgreSQL's files are not ours to touch.
#[test]
fn flipped_bytes_are_never_served() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let database = Database::sqlite();
        let store = open(&database);
        for n in 0..20 {
            let mut wanted = first(&format!("run:{n}"), 1);
            let row = |i: usize| NewRow {
                kind: "TEST".into(),
                payload: format!("{n} {i} ").repeat(40),
                at: super::bed::at(0),
            };
            wanted.rows = (0..30).map(row).collect();
            append(&store, wanted).await.unwrap();
        }
        store.close().await;
        let copy = database.state().join("copy.db");
        beside(&database).batch_execute(&format!("VACUUM INTO '{}'", copy.display())).unwrap();
        let good = std::fs::read(&copy).unwrap();
        let (mut served, mut refused) = (0, 0);
        for flip in 0..200_usize {
            let broken = Database::sqlite();
            let mut bytes = good.clone();
            // Spread over the file by a step that is no multiple of a page.
            let place = flip * 7919 * 31 % bytes.len();
            bytes[place] ^= 1 << (flip % 8);
            std::fs::write(broken.state().join("jethub.db"), bytes).unwrap();
            let Ok(store) = super::bed::open_with(&broken, |_, _| {}) else {
                refused += 1;
                continue;
            };
            for n in 0..20 {
                match all(&store, &format!("run:{n}")).await {
                    Ok(rows) => {
                        assert_eq!(rows.len(), 30, "flip {flip}: rows are missing and nobody said so");
                        for (i, row) in rows.iter().enumerate() {
                            assert_eq!(row.payload, format!("{n} {i} ").repeat(40), "flip {flip}");
                            served += 1;
                        }
                    }
                    Err(_) => refused += 1,
                }
            }
            store.close().await;
        }
        assert!(served > 0 && refused > 0, "{served} rows served, {refused} streams or files refused");
        println!("{served} rows served and right, {refused} streams or files refused");
    });
}
