//! Addresses of databases (`faults.md` A48, A49).

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use serde_json::json;

use super::rig::{Rig, open_settings, tenant};
use crate::{
    config::{Secret, sections},
    datasource::{Error, hosts::Hosts},
    error::{Code, Coded},
    outbound::{Found, Lookup, System},
};

/// Answers in turn, each time.
struct Turning(Vec<Vec<IpAddr>>, AtomicUsize);

impl Lookup for Turning {
    fn lookup(&self, _: String) -> Found {
        let turn = self.1.fetch_add(1, SeqCst);
        let found = self.0[turn % self.0.len()].clone();
        Box::pin(async move { Ok(found) })
    }
}

fn name_with(addresses: &[&str]) -> Arc<dyn Lookup> {
    let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
    Arc::new(Turning(vec![addresses], AtomicUsize::new(0)))
}

fn own(url: &str) -> sections::Database {
    let url = (!url.is_empty()).then(|| Secret::new(url.to_owned()));
    sections::Database { url, ..sections::Database::default() }
}

fn reason(outcome: Result<Vec<std::net::SocketAddr>, Error>) -> String {
    match outcome {
        Ok(_) => "ok".to_owned(),
        Err(error) => {
            assert_eq!(error.code(), Code::QueryFailed);
            format!("{}: {error}", error.reason())
        }
    }
}

#[tokio::test]
async fn as_shipped_all_but_this_machine_may_be_called() {
    let hosts = Hosts::new(&sections::DataSource::default(), &own(""), Arc::new(System));
    for host in [
        "127.0.0.1",
        "127.8.9.1",
        "localhost",
        "localhost.",
        "::1",
        "[::1]",
        "0.0.0.0",
        "::",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2130706433",
        "0x7f.1",
        "0177.1",
        "127.1",
        "169.254.169.254",
        "fe80::1",
        "fd00:ec2::254",
        "224.0.0.1",
    ] {
        let outcome = reason(hosts.resolve(host, 5432, "x").await);
        assert!(
            outcome.starts_with("blocked_address") || outcome.starts_with("unreachable"),
            "{host}: {outcome}"
        );
        assert!(outcome.contains("datasource.allow") || outcome.contains("no address"), "{host}: {outcome}");
    }
    for host in ["10.0.0.1", "192.168.7.7", "8.8.8.8", "2001:4860:4860::8888"] {
        assert_eq!(reason(hosts.resolve(host, 5432, "x").await), "ok", "{host}");
    }
    // A name that anybody may make for an address of this machine.
    let named = Hosts::new(&sections::DataSource::default(), &own(""), name_with(&["127.0.0.1", "10.0.0.1"]));
    let found = named.resolve("db.wildcard.test", 5432, "x").await.unwrap();
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.0.1:5432"]);
}

#[tokio::test]
async fn lists_say_who_may_be_called() {
    let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let settings = sections::DataSource {
        allow: list(&["db.example.com", "*.data.test", "10.1.0.0/16", "127.0.0.5"]),
        deny: list(&["10.1.66.0/24", "bad.data.test"]),
        ..sections::DataSource::default()
    };
    let hosts = |address: &str| Hosts::new(&settings, &own(""), name_with(&[address]));
    for (host, address, expected) in [
        ("db.example.com", "192.168.1.1", "ok"),
        ("DB.example.com.", "192.168.1.1", "ok"),
        ("a.data.test", "192.168.1.1", "ok"),
        ("data.test", "192.168.1.1", "blocked_address"),
        ("bad.data.test", "192.168.1.1", "blocked_address"),
        ("evildata.test", "192.168.1.1", "blocked_address"),
        ("10.1.2.3", "", "ok"),
        ("::ffff:10.1.2.3", "", "ok"),
        ("10.1.66.3", "", "blocked_address"),
        ("a.data.test", "10.1.66.3", "blocked_address"),
        ("10.2.0.1", "", "blocked_address"),
        ("127.0.0.5", "", "ok"),
        ("127.0.0.1", "", "blocked_address"),
        // A listed name does not make this machine callable.
        ("db.example.com", "127.0.0.1", "blocked_address"),
    ] {
        let address = if address.is_empty() { "0.0.0.0" } else { address };
        let outcome = reason(hosts(address).resolve(host, 5432, "x").await);
        assert!(outcome.starts_with(expected), "{host}: {outcome}");
    }
}

#[tokio::test]
async fn the_hubs_own_database_is_never_a_source() {
    for url in [
        "postgresql://hub:canary@127.0.0.1:5432/hubdb?sslmode=disable",
        "postgresql://hub:canary@localhost/hubdb",
        "postgresql:///hubdb?host=/var/run/postgresql&user=hub",
        "postgresql://hub@[::1]:5432/hubdb",
    ] {
        let settings = sections::DataSource {
            allow: vec!["127.0.0.0/8".to_owned(), "::1".to_owned()],
            ..open_settings()
        };
        let hosts = Hosts::new(&settings, &own(url), Arc::new(System));
        for host in ["127.0.0.1", "127.0.0.2", "localhost", "::ffff:127.0.0.1", "::1"] {
            let outcome = reason(hosts.resolve(host, 5432, "hubdb").await);
            assert!(
                outcome.starts_with("blocked_address: the data source is the hub's own database"),
                "{url} {host}: {outcome}"
            );
            assert!(!outcome.contains("canary"));
        }
        assert_eq!(reason(hosts.resolve("127.0.0.1", 5432, "other").await), "ok");
        assert_eq!(reason(hosts.resolve("127.0.0.1", 5433, "hubdb").await), "ok");
    }
    let elsewhere = own("postgresql://hub@10.5.5.5/hubdb");
    let hosts = Hosts::new(&sections::DataSource::default(), &elsewhere, name_with(&["10.5.5.5"]));
    assert!(reason(hosts.resolve("alias.test", 5432, "hubdb").await).starts_with("blocked_address"));
}

#[tokio::test]
async fn what_was_checked_is_what_is_called() {
    // A name that means another address each time it is asked (A49): only what was checked is called.
    let turns = vec![vec!["203.0.113.1".parse().unwrap()], vec!["127.0.0.1".parse().unwrap()]];
    let turning = Arc::new(Turning(turns, AtomicUsize::new(0)));
    let hosts = Hosts::new(&sections::DataSource::default(), &own(""), turning);
    for _ in 0..1000 {
        if let Ok(found) = hosts.resolve("rebind.test", 5432, "x").await {
            assert!(found.iter().all(|address| !address.ip().is_loopback()));
        }
    }
    // A listener on this machine is not touched, whatever the source calls it.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let rig = Rig::new(sections::DataSource::default());
    for kind in ["postgresql", "mysql"] {
        for host in ["127.0.0.1", "localhost", "::ffff:127.0.0.1", "0.0.0.0", "0x7f.1", "2130706433"] {
            let options = json!({ "host": host, "port": port, "database": "d", "user": "u" });
            let source = rig.source(kind, options.clone(), json!({}));
            let error = rig.fails(&source, json!({ "query": "SELECT 1" })).await;
            assert!(["blocked_address", "unreachable"].contains(&error.reason()), "{host}: {error}");
            assert!(rig.sources.test(&tenant(), kind, &options, &json!({})).await.is_err());
        }
    }
    let touched = tokio::time::timeout(std::time::Duration::from_millis(100), listener.accept()).await;
    assert!(touched.is_err());
}
