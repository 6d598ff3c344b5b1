//! No credential and no address in what anybody sees (`faults.md` A46).

use serde_json::{Value, json};

use super::rig::{MySql, Postgres, Rig, Server, open_settings, outbound_to, respond, tenant};
use crate::{config::sections, datasource::settings::Secrets, error::Coded, outbound::System};

const CANARY: &str = "canary-pa55word-0xfeed";

#[test]
fn credentials_never_print() {
    let secrets = Secrets::of(&json!({ "password": CANARY, "secretHeaders": { "X": CANARY }, "n": 1 }));
    assert!(!format!("{secrets:?}").contains("canary"));
    let text = format!("at db.internal with {CANARY}\r\n{}", "x".repeat(900));
    let clean = secrets.clean(&text, &["db.internal"]);
    assert!(!clean.contains("canary") && !clean.contains("internal") && !clean.contains('\n'), "{clean}");
    assert!(clean.chars().count() <= 501);
}

#[tokio::test]
async fn no_error_shows_a_credential_or_an_address() {
    let server = Server::answering(|request| {
        // A service that answers with what it was sent.
        respond(400, "", &json!({ "error": request }).to_string())
    })
    .await;
    let settings = sections::DataSource {
        connect_timeout: std::time::Duration::from_millis(300).into(),
        ..open_settings()
    };
    let rig = Rig::with(settings, outbound_to(&server), std::sync::Arc::new(System));
    let mut seen = Vec::new();
    let mut look = |outcome: Result<Value, crate::datasource::Error>| match outcome {
        Ok(value) => seen.push(value.to_string()),
        Err(error) => seen.push(format!("{error} {error:?} {} {}", error.public_message(), error.reason())),
    };
    let secrets =
        json!({ "password": CANARY, "token": CANARY, "apiKey": CANARY, "secretHeaders": { "X-S": CANARY } });
    let (postgres, mysql) = (Postgres::new(), MySql::new());
    let name = |name: Option<&String>| name.cloned().unwrap_or_else(|| "none".to_owned());
    let databases = [
        ("postgresql", name(postgres.as_ref().map(|database| &database.name)), "root"),
        ("mysql", name(mysql.as_ref().map(|database| &database.name)), "root"),
        ("postgresql", "no_such_db".to_owned(), "root"),
        ("postgresql", "test".to_owned(), "no_such_user"),
        ("mysql", "no_such_db".to_owned(), "root"),
        ("mysql", "test".to_owned(), "no_such_user"),
    ];
    for (kind, database, user) in databases {
        for port in [Value::Null, json!(9), json!(server.port)] {
            let options = json!({ "host": "127.0.0.1", "port": port, "database": database, "user": user });
            look(rig.sources.test(&tenant(), kind, &options, &secrets).await);
            let source = rig.source(kind, options, secrets.clone());
            for sql in ["SELECT 1", "SELECT * FROM nowhere", "SELECT ((", "SELECT {{x}}::int"] {
                look(rig.ask(&source, json!({ "query": sql }), json!({ "x": "y" })).await);
            }
        }
    }
    for auth in [
        json!({ "type": "bearer" }),
        json!({ "type": "basic", "username": "u" }),
        json!({ "type": "apiKey", "name": "k", "in": "query" }),
        json!({ "type": "apiKey", "name": "K" }),
    ] {
        for url in [server.url(), "http://127.0.0.1:9".to_owned(), "http://no-such.invalid".to_owned()] {
            let options = json!({ "url": url, "auth": auth });
            look(rig.sources.test(&tenant(), "http", &options, &secrets).await);
            let source = rig.source("http", options, secrets.clone());
            look(rig.ask(&source, json!({ "path": "/x" }), json!({})).await);
            look(rig.ask(&source, json!({ "headers": { "A": "{{x}}" } }), json!({ "x": "\r\n" })).await);
        }
    }
    assert!(seen.len() > 80);
    for text in seen {
        for word in ["canary", "pa55", "127.0.0.1", "no-such.invalid", "no_such", "sources::"] {
            assert!(!text.contains(word), "{word} in {text}");
        }
    }
}

#[tokio::test]
async fn a_credential_under_a_lost_key_is_said_to_be_one() {
    let rig = Rig::new(open_settings());
    let source = rig.source(
        "postgresql",
        json!({ "host": "127.0.0.1", "database": "test", "user": "root" }),
        json!({}),
    );
    let other = Rig::new(open_settings());
    let saved = other.table.sources.lock().len();
    assert_eq!(saved, 0);
    let moved = rig.table.sources.lock().values().next().unwrap().clone();
    other.table.sources.lock().insert((super::rig::tenant(), source.clone()), moved);
    let error = other.fails(&source, json!({ "query": "SELECT 1" })).await;
    assert_eq!(error.reason(), "login", "{error}");
    assert!(error.to_string().contains("save it again"));
}
