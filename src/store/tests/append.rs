//! One stream: who may write, where, and what a refusal leaves behind.

use super::bed::{all, append, assert_whole, both, first, next, open, rows, stream};
use crate::{
    ids::Seq,
    store::{Append, Error, Unique},
};

#[test]
fn rows_are_read_as_they_were_written() {
    both(async |database| {
        let store = open(database);
        let made = append(&store, first("run:a", 3)).await.unwrap();
        assert_eq!((made.first, made.head), (Seq(1), Seq(3)));
        let more = append(&store, next("run:a", 3, 2)).await.unwrap();
        assert_eq!((more.first, more.head, more.epoch), (Seq(4), Seq(5), made.epoch));
        let found = all(&store, "run:a").await.unwrap();
        let written = rows(1, 5);
        assert_eq!(found.len(), written.len());
        for (row, new) in found.iter().zip(&written) {
            assert_eq!((&row.kind, &row.payload, row.at), (&new.kind.to_string(), &new.payload, new.at));
        }
        assert!(found.iter().all(|row| row.writer == found[0].writer && !row.writer.is_empty()));
    });
}

#[test]
fn texts_of_every_kind_come_back_byte_for_byte() {
    both(async |database| {
        let store = open(database);
        let texts =
            ["", "\"\\u0000\"", "\u{202e}\u{1f600}", "'; DROP TABLE journal; --", &"x".repeat(3 << 20)];
        let mut wanted = first("run:texts", 0);
        for text in texts {
            wanted.rows.push(crate::store::NewRow { payload: text.to_owned(), ..rows(1, 1).remove(0) });
        }
        append(&store, wanted).await.unwrap();
        let found = all(&store, "run:texts").await.unwrap();
        assert_eq!(found.iter().map(|row| row.payload.as_str()).collect::<Vec<_>>(), texts);
    });
}

#[test]
fn a_stream_is_made_once() {
    both(async |database| {
        let store = open(database);
        append(&store, first("run:a", 1)).await.unwrap();
        let again = append(&store, first("run:a", 2)).await;
        assert!(matches!(again, Err(Error::Duplicate(Unique::Stream))), "{again:?}");
        assert_whole(&store, "run:a", 1).await;
    });
}

#[test]
fn a_wrong_head_is_fenced_and_leaves_nothing() {
    both(async |database| {
        let store = open(database);
        append(&store, first("run:a", 2)).await.unwrap();
        for head in [0, 1, 3] {
            let refused = append(&store, next("run:a", head, 1)).await;
            assert!(matches!(refused, Err(Error::Fenced)), "{head}: {refused:?}");
        }
        let unknown = append(&store, next("run:never", 0, 1)).await;
        assert!(matches!(unknown, Err(Error::Fenced)), "{unknown:?}");
        assert_whole(&store, "run:a", 2).await;
    });
}

#[test]
fn an_older_owner_is_fenced() {
    both(async |database| {
        let store = open(database);
        append(&store, first("run:a", 2)).await.unwrap();
        let owned = store.journal().acquire(&stream("run:a")).await.unwrap();
        assert_eq!((owned.owner_version, owned.head), (2, Seq(2)));
        let old = append(&store, next("run:a", 2, 1)).await;
        assert!(matches!(old, Err(Error::Fenced)), "{old:?}");
        let new = Append { owner_version: owned.owner_version, ..next("run:a", 2, 1) };
        assert_eq!(append(&store, new).await.unwrap().head, Seq(3));
        assert_whole(&store, "run:a", 3).await;
        let unknown = store.journal().acquire(&stream("run:never")).await;
        assert!(matches!(unknown, Err(Error::NotFound)), "{unknown:?}");
    });
}

#[test]
fn misuse_is_refused() {
    both(async |database| {
        let store = open(database);
        let empty = append(&store, Append { rows: Vec::new(), ..first("run:a", 1) }).await;
        assert!(matches!(empty, Err(Error::Invalid(_))));
        let headed = append(&store, Append { expected_head: Seq(1), ..first("run:a", 1) }).await;
        assert!(matches!(headed, Err(Error::Invalid(_))));
        store.close().await;
        assert!(matches!(append(&store, first("run:a", 1)).await, Err(Error::Closed)));
    });
}

#[test]
fn what_waits_is_written_before_the_store_closes() {
    both(async |database| {
        let store = open(database);
        let held = super::bed::hold_writes(database);
        let waiting: Vec<_> = (0..20)
            .map(|n| {
                let store = store.clone();
                tokio::spawn(async move { append(&store, first(&format!("run:{n}"), 2)).await })
            })
            .collect();
        super::bed::wait_for("twenty appends wait", || store.journal().queued_rows() == 40).await;
        let closing = tokio::spawn({
            let store = store.clone();
            async move { store.close().await }
        });
        drop(held);
        closing.await.unwrap();
        let mut written = Vec::new();
        for (n, append) in waiting.into_iter().enumerate() {
            match append.await.unwrap() {
                Ok(_) => written.push(n),
                // It had its place, and the queue was closed before it stood there.
                Err(Error::Closed) => {}
                Err(error) => panic!("run:{n}: {error:?}"),
            }
        }
        assert!(!written.is_empty());
        drop(store);
        let store = open(database);
        for n in written {
            assert_whole(&store, &format!("run:{n}"), 2).await;
        }
    });
}
