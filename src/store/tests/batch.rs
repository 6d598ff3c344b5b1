//! Many streams: group commits, whose violation it is, who waits and who is told to come back.

use std::{collections::HashSet, sync::Arc};

use super::bed::{append, assert_whole, both, first, hold_writes, next, open, open_with, stream, wait_for};
use crate::store::{Append, Appended, Error, Origin, Projection, Store, tables::timers};

async fn together(store: &Store, appends: Vec<Append>) -> Vec<Result<Appended, Error>> {
    let tasks: Vec<_> = appends
        .into_iter()
        .map(|wanted| {
            let store = store.clone();
            tokio::spawn(async move { append(&store, wanted).await })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

#[test]
fn many_appends_share_a_commit() {
    both(async |database| {
        let store = open(database);
        let held = hold_writes(database);
        let waiting = tokio::spawn({
            let store = store.clone();
            async move { together(&store, (0..300).map(|n| first(&format!("run:{n}"), 1)).collect()).await }
        });
        wait_for("all appends wait", || store.journal().queued_rows() == 300).await;
        drop(held);
        let answers = waiting.await.unwrap();
        // Streams that are born in one transaction share its time as their epoch.
        let commits: HashSet<i64> = answers.iter().map(|answer| answer.as_ref().unwrap().epoch.0).collect();
        assert!(commits.len() <= 3, "{} commits for 300 appends", commits.len());
    });
}

#[test]
fn a_batch_is_bounded_in_rows() {
    both(async |database| {
        let store = open_with(database, |_, journal| journal.batch_rows = 10).unwrap();
        let held = hold_writes(database);
        let waiting = tokio::spawn({
            let store = store.clone();
            async move { together(&store, (0..100).map(|n| first(&format!("run:{n}"), 2)).collect()).await }
        });
        wait_for("all appends wait", || store.journal().queued_rows() == 200).await;
        drop(held);
        let answers = waiting.await.unwrap();
        let commits: HashSet<i64> = answers.iter().map(|answer| answer.as_ref().unwrap().epoch.0).collect();
        assert!((20..=22).contains(&commits.len()), "{} commits for 200 rows", commits.len());
    });
}

#[test]
fn streams_stay_whole_and_in_order_under_load() {
    both(async |database| {
        let store = Arc::new(open(database));
        let tasks: Vec<_> = (0..40)
            .map(|n| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    let name = format!("run:{n}");
                    let mut head = append(&store, first(&name, 1)).await.unwrap().head.0;
                    for _ in 0..15 {
                        let count = head % 3 + 1;
                        head = append(&store, next(&name, head, count)).await.unwrap().head.0;
                    }
                    (name, head)
                })
            })
            .collect();
        for task in tasks {
            let (name, head) = task.await.unwrap();
            assert_whole(&store, &name, head).await;
        }
    });
}

#[test]
fn a_violation_fails_only_its_own_stream() {
    both(async |database| {
        let store = open(database);
        let key = |key: &str| Projection::IdempotencyKey {
            scope: "t/execute".to_owned(),
            key: key.to_owned(),
            value: "run".to_owned(),
            at: super::bed::at(0),
        };
        let timer = || Projection::Timer { key: "t".to_owned(), due_at: super::bed::at(60) };
        append(&store, Append { projections: vec![key("taken")], ..first("run:old", 1) }).await.unwrap();
        let held = hold_writes(database);
        let appends = (0..60)
            .map(|n| {
                let name = format!("run:{n}");
                match n % 6 {
                    // A timer that must be gone again, a key that is taken.
                    1 => Append { projections: vec![timer(), key("taken")], ..first(&name, 2) },
                    2 => next(&name, 7, 1),
                    _ => Append { projections: vec![timer(), key(&name)], ..first(&name, 2) },
                }
            })
            .collect();
        let waiting = tokio::spawn({
            let store = store.clone();
            async move { together(&store, appends).await }
        });
        wait_for("all appends wait", || store.journal().queued_rows() == 110).await;
        drop(held);
        for (n, answer) in waiting.await.unwrap().into_iter().enumerate() {
            let name = format!("run:{n}");
            let timers = store.read({
                let stream = stream(&name);
                move |connection| timers::of_stream(connection, &stream)
            });
            match n % 6 {
                1 => assert!(matches!(answer, Err(Error::Duplicate(_))), "{answer:?}"),
                2 => assert!(matches!(answer, Err(Error::Fenced)), "{answer:?}"),
                _ => {
                    answer.unwrap();
                    assert_whole(&store, &name, 2).await;
                    assert_eq!(timers.await.unwrap().len(), 1);
                    continue;
                }
            }
            let read = store.journal().read(&stream(&name), crate::ids::Seq::ZERO, 1, 1).await;
            assert!(matches!(read, Err(Error::NotFound)), "{read:?}");
            assert_eq!(timers.await.unwrap(), [], "a projection of a refused append");
        }
    });
}

#[test]
fn clients_are_turned_away_at_four_fifths_and_the_hub_waits() {
    both(async |database| {
        let store = open_with(database, |_, journal| journal.queue_rows = 100).unwrap();
        let held = hold_writes(database);
        let spawn = |name: String, origin| {
            let store = store.clone();
            tokio::spawn(async move { append(&store, Append { origin, ..first(&name, 1) }).await })
        };
        let mut accepted: Vec<_> = (0..80).map(|n| spawn(format!("run:{n}"), Origin::Client)).collect();
        wait_for("the queue is at 80 %", || store.journal().queued_rows() == 80).await;
        let refused = append(&store, first("run:refused", 1)).await;
        assert!(matches!(refused, Err(Error::Busy)), "{refused:?}");
        accepted.extend((80..150).map(|n| spawn(format!("run:{n}"), Origin::Hub)));
        wait_for("the queue is full", || store.journal().queued_rows() == 100).await;
        assert!(accepted.iter().all(|task| !task.is_finished()));
        drop(held);
        for task in accepted {
            task.await.unwrap().unwrap();
        }
        assert_eq!(store.journal().queued_rows(), 0);
        append(&store, first("run:refused", 1)).await.unwrap();
    });
}

#[test]
fn a_caller_that_stops_waiting_does_not_stop_its_rows() {
    both(async |database| {
        let store = open(database);
        let held = hold_writes(database);
        let task = tokio::spawn({
            let store = store.clone();
            async move { append(&store, first("run:a", 2)).await }
        });
        wait_for("it waits", || store.journal().queued_rows() == 2).await;
        task.abort();
        drop(held);
        wait_for("the queue is empty", || store.journal().queued_rows() == 0).await;
        assert_whole(&store, "run:a", 2).await;
    });
}
