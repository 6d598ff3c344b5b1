//! Storage that fails, and connections that end at the wrong moment.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    time::Duration,
};

use diesel::connection::SimpleConnection;

use super::bed::{
    Cut, Database, Proxy, append, assert_whole, at, beside, both, first, next, open, open_with, server,
    stream,
};
use crate::{
    clock::Clock,
    config::Secret,
    ids::{RunId, Seq, TenantId},
    store::{
        Append, Error, Origin, Projection, Store,
        tables::{keys, tenants},
    },
};

/// A store on a database of its own, reached through the proxy. PostgreSQL only: SQLite has no
/// connection that could be cut.
fn through_proxy(cuts: &[Cut]) -> Option<(Database, Proxy, Store)> {
    let (database, server) = (Database::postgresql()?, server()?);
    let proxy = Proxy::start(server, cuts);
    let url = server.through(database.url.as_deref()?, proxy.port);
    let store = open_with(&database, |settings, _| settings.url = Some(Secret::new(url))).unwrap();
    Some((database, proxy, store))
}

fn on_server(test: impl AsyncFn(Database, Proxy, Store), cuts: &[Cut]) {
    if let Some((database, proxy, store)) = through_proxy(cuts) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(test(database, proxy, store));
    }
}

/// F17: what a cut COMMIT did is looked up. A client whose append was refused for the storage's sake
/// tries the same again: were the refusal a lie, the second try would be fenced.
#[test]
fn a_commit_without_an_answer_is_looked_up() {
    let cuts = [Cut::Nothing, Cut::Answer, Cut::Nothing, Cut::Commit, Cut::Answer];
    let test = async |database: Database, proxy: Proxy, store: Store| {
        proxy.arm(true);
        let refusals = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..12)
            .map(|n| {
                let (store, refusals) = (store.clone(), Arc::clone(&refusals));
                tokio::spawn(async move {
                    let (name, run) = (format!("run:{n}"), RunId::trusted(&format!("{n}")));
                    let mut head = 0;
                    while head < 100 {
                        let key = Projection::IngestKey {
                            run: run.clone(),
                            key: format!("key {head}"),
                            seq: Seq(head + 1),
                        };
                        let mut wanted =
                            if head == 0 { first(&name, 2) } else { next(&name, head, 1 + head % 3) };
                        wanted.origin = if n % 3 == 0 { Origin::Hub } else { Origin::Client };
                        wanted.projections = vec![key];
                        head = loop {
                            match append(&store, wanted.clone()).await {
                                Ok(appended) => break appended.head.0,
                                Err(Error::Unavailable(_)) if wanted.origin == Origin::Client => {
                                    refusals.fetch_add(1, SeqCst);
                                }
                                Err(error) => panic!("{name} at {head}: {error:?}"),
                            }
                        };
                    }
                    (name, run, head)
                })
            })
            .collect();
        let mut all = Vec::new();
        for task in tasks {
            all.push(task.await.unwrap());
        }
        proxy.arm(false);
        let store = {
            store.close().await;
            drop(store);
            open(&database)
        };
        for (name, run, head) in all {
            assert_whole(&store, &name, head).await;
            let keys: Vec<String> = (0..110).map(|n| format!("key {n}")).collect();
            let found = store.read(move |connection| keys::ingested(connection, &run, &keys)).await.unwrap();
            assert!(found.len() > 30, "{name}: {} keys", found.len());
        }
        assert!(proxy.cuts() > 30, "{} cuts", proxy.cuts());
        println!(
            "{} commits cut, {} client appends refused and tried again",
            proxy.cuts(),
            refusals.load(SeqCst)
        );
    };
    on_server(test, &cuts);
}

#[test]
fn a_write_whose_commit_has_no_answer_is_unknown() {
    let test = async |_database: Database, proxy: Proxy, store: Store| {
        let insert = |id: &str| {
            let new = tenants::NewTenant {
                tenant_id: TenantId::trusted(id),
                title: "T".to_owned(),
                timezone: "UTC".to_owned(),
                creator_id: None,
                at: at(0),
            };
            store.write(move |connection| tenants::insert(connection, &new))
        };
        proxy.arm(true);
        let unheard = insert("unheard").await;
        assert!(matches!(unheard, Err(Error::Unknown)), "{unheard:?}");
        let unsent = insert("unsent").await;
        assert!(matches!(unsent, Err(Error::Unknown)), "{unsent:?}");
        proxy.arm(false);
        let find = async |id: &str| {
            let id = TenantId::trusted(id);
            store.read(move |connection| tenants::find(connection, &id)).await.unwrap()
        };
        assert!(find("unheard").await.is_some() && find("unsent").await.is_none());
        insert("unsent").await.unwrap();
    };
    on_server(test, &[Cut::Answer, Cut::Commit]);
}

/// F18: backends end again and again. PostgreSQL only: SQLite has no backends.
#[test]
fn terminated_backends_lose_and_double_nothing() {
    let Some(database) = Database::postgresql() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = open(&database);
        let stop = Arc::new(AtomicBool::new(false));
        let killer = std::thread::spawn({
            let (stop, mut connection) = (Arc::clone(&stop), beside(&database));
            move || {
                let mut rounds = 0;
                // So many and no more: on a busy machine a connection hardly lives longer than the pause.
                while !stop.load(SeqCst) && rounds < 25 {
                    let statement = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                                     WHERE datname = current_database() AND pid <> pg_backend_pid()";
                    connection.batch_execute(statement).unwrap();
                    rounds += 1;
                    std::thread::sleep(Duration::from_millis(25));
                }
                rounds
            }
        });
        let tasks: Vec<_> = (0..8)
            .map(|n| {
                let store = store.clone();
                tokio::spawn(async move {
                    let name = format!("run:{n}");
                    let hub = |append| Append { origin: Origin::Hub, ..append };
                    let mut head = append(&store, hub(first(&name, 1))).await.unwrap().head.0;
                    while head < 60 {
                        head = append(&store, hub(next(&name, head, 1))).await.unwrap().head.0;
                    }
                    name
                })
            })
            .collect();
        let mut names = Vec::new();
        for task in tasks {
            names.push(task.await.unwrap());
        }
        stop.store(true, SeqCst);
        let rounds = killer.join().unwrap();
        assert!(rounds > 3, "{rounds} rounds");
        for name in names {
            assert_whole(&store, &name, 60).await;
        }
        store.check().await.unwrap();
    });
}

/// F19: all connections of the pool are in use.
#[test]
fn an_exhausted_pool_is_busy_and_the_journal_goes_on() {
    both(async |database| {
        let store = open_with(database, |settings, _| {
            settings.acquire_timeout = crate::config::DurationSetting::from_millis(300);
        })
        .unwrap();
        append(&store, first("run:a", 1)).await.unwrap();
        let (release, wait) = mpsc::channel::<()>();
        let wait = Arc::new(parking_lot::Mutex::new(wait));
        let entered = Arc::new(AtomicUsize::new(0));
        let slow: Vec<_> = (0..2)
            .map(|_| {
                let (store, wait, entered) = (store.clone(), Arc::clone(&wait), Arc::clone(&entered));
                tokio::spawn(async move {
                    let hold = move |_: &mut crate::store::Connection| {
                        entered.fetch_add(1, SeqCst);
                        let _ = wait.lock().recv();
                        Ok(())
                    };
                    store.read(hold).await
                })
            })
            .collect();
        super::bed::wait_for("both connections are taken", || entered.load(SeqCst) == 2).await;
        let clock = Clock::real();
        let began = clock.monotonic();
        let refused = store.journal().read(&stream("run:a"), Seq::ZERO, 1, 1).await;
        assert!(matches!(refused, Err(Error::Busy)), "{refused:?}");
        assert!(clock.monotonic() - began < Duration::from_millis(2500));
        append(&store, next("run:a", 1, 1)).await.unwrap();
        drop(release);
        for task in slow {
            task.await.unwrap().unwrap();
        }
        assert_whole(&store, "run:a", 2).await;
    });
}

#[test]
fn a_panic_in_a_read_or_write_is_its_callers_error_alone() {
    both(async |database| {
        let store = open(database);
        for _ in 0..5 {
            let read = store.read(|_| -> Result<(), Error> { panic!("in a read") }).await;
            assert!(matches!(read, Err(Error::Panicked)), "{read:?}");
            let write = store
                .write(|connection| -> Result<(), Error> {
                    connection.batch_execute("DELETE FROM streams")?;
                    panic!("in a write")
                })
                .await;
            assert!(matches!(write, Err(Error::Panicked)), "{write:?}");
        }
        append(&store, first("run:a", 1)).await.unwrap();
        assert_whole(&store, "run:a", 1).await;
    });
}

/// F5: a setting that breaks a promise is told by the promise's name.
#[test]
fn unsafe_settings_are_told() {
    both(async |database| {
        let store = open(database);
        assert_eq!(store.broken_promises(), []);
        store.close().await;
        drop(store);
        let store = open_with(database, |settings, journal| {
            journal.synchronous = crate::config::sections::Synchronous::Normal;
            if let Some(url) = &settings.url {
                let between = if url.expose().contains('?') { '&' } else { '?' };
                let url = format!("{}{between}options=-csynchronous_commit%3Doff", url.expose());
                settings.url = Some(Secret::new(url));
            }
        })
        .unwrap();
        let [broken] = store.broken_promises() else { panic!("{:?}", store.broken_promises()) };
        assert!(broken.promise.starts_with("P1") && broken.setting.contains("synchronous"), "{broken:?}");
    });
}
