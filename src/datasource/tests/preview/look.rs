//! What would be sent, without sending it, and without what opens the door.

use serde_json::{Map, Value, json};

use super::proxy::nobody;
use crate::{
    config::sections,
    datasource::{
        Effect, Error, Looked, Would,
        tests::rig::{Rig, Server, open_settings, outbound_to, respond, tenant},
    },
    error::{Code, Coded},
    ids::{DataQueryId, DataSourceId, TenantId},
    outbound::System,
};

const CANARY: &str = "canary-pa55word-0xfeed";

async fn look(rig: &Rig, source: &DataSourceId, options: Value, inputs: Value) -> Result<Looked, Error> {
    let query = rig.query(source, options);
    rig.sources.look(&tenant(), &query, inputs.as_object().unwrap()).await
}

#[tokio::test]
async fn a_statement_with_what_would_be_bound() {
    let rig = Rig::new(open_settings());
    let options = json!({ "query": "UPDATE t SET a = {{a}}, b = {{b}} WHERE a = {{a}} ORDER BY {{by}}", "readOnly": false,
        "identifiers": { "by": ["x.y"] },
        "inputDefinitions": [{ "key": "a", "type": "string" }, { "key": "b", "type": "number", "default": 2 }, { "key": "by", "type": "string" }] });
    // Nobody listens there, and nobody is asked.
    let server = json!({ "host": "127.0.0.1", "port": nobody().await, "database": "d", "user": "u" });
    for (kind, options_of, statement, parameters) in [
        (
            "postgresql",
            &server,
            "UPDATE t SET a = $1, b = $2 WHERE a = $1 ORDER BY \"x\".\"y\"",
            json!(["7", 2]),
        ),
        ("mysql", &server, "UPDATE t SET a = ?, b = ? WHERE a = ? ORDER BY `x`.`y`", json!(["7", 2, "7"])),
        (
            "sqlite",
            &json!({ "file": "no.db" }),
            "UPDATE t SET a = ?1, b = ?2 WHERE a = ?1 ORDER BY \"x\".\"y\"",
            json!(["7", 2]),
        ),
    ] {
        let source = rig.source(kind, options_of.clone(), json!({ "password": CANARY }));
        let inputs = json!({ "a": 7, "by": "x.y", "unknown": 1 });
        let looked = look(&rig, &source, options.clone(), inputs).await.unwrap();
        assert_eq!((looked.title.as_str(), looked.effect), ("a query", Effect::MayWrite));
        assert_eq!(Value::Object(looked.inputs), json!({ "a": "7", "b": 2, "by": "x.y" }));
        let Would::Statement { statement: shown, parameters: bound } = looked.would else { panic!("{kind}") };
        assert_eq!((shown.as_str(), json!(bound)), (statement, parameters), "{kind}");
        let looked = look(&rig, &source, json!({ "query": "SELECT {{a}}" }), json!({})).await.unwrap();
        assert_eq!(looked.effect, Effect::Reads);
        assert!(matches!(looked.would, Would::Statement { parameters, .. } if parameters == [Value::Null]));
        let error = look(&rig, &source, options.clone(), json!({ "by": "other" })).await.unwrap_err();
        assert_eq!(error.code(), Code::InputInvalid, "{error}");
        let error = look(&rig, &source, json!({ "query": "DROP TABLE t" }), json!({})).await.unwrap_err();
        assert_eq!(error.reason(), "settings", "{error}");
    }
    assert_eq!(rig.sources.idle() + rig.sources.open(), 0);
}

#[tokio::test]
async fn a_request_without_any_credential() {
    let server = Server::answering(|_| respond(200, "", "{}")).await;
    let rig = Rig::with(open_settings(), outbound_to(&server), std::sync::Arc::new(System));
    let secrets =
        json!({ "password": CANARY, "token": CANARY, "apiKey": CANARY, "secretHeaders": { "X-S": CANARY } });
    let query = json!({ "method": "POST", "path": "/orders/{{id}}", "query": { "q": "{{q}}" }, "body": { "n": "{{q}}" },
        "headers": { "X-Id": "{{id}}", "X-Api-Token": CANARY } });
    let inputs = json!({ "id": "a/b", "q": "x&y" });
    for (auth, header, behind) in [
        (json!({ "type": "bearer" }), Some(("authorization", "Bearer ***")), ""),
        (json!({ "type": "basic", "username": "u" }), Some(("authorization", "Basic ***")), ""),
        (json!({ "type": "apiKey", "name": "X-Mine" }), Some(("X-Mine", "***")), ""),
        (json!({ "type": "apiKey", "name": "k", "in": "query" }), None, "&k=***"),
        (Value::Null, None, ""),
    ] {
        let url = format!("{}/v1?sig={CANARY}", server.url());
        let plain =
            json!({ "Cookie": CANARY, "Authorization": format!("Bearer {CANARY}"), "X-Plain": "shown" });
        let source =
            rig.source("http", json!({ "url": url, "auth": auth, "headers": plain }), secrets.clone());
        let looked = look(&rig, &source, query.clone(), inputs.clone()).await.unwrap();
        assert_eq!(looked.effect, Effect::MayWrite);
        let shown = format!("{looked:?}");
        for word in ["canary", "pa55", "Y2FuYXJ5"] {
            assert!(!shown.contains(word), "{word} in {shown}");
        }
        let Would::Request { method, url, headers, body } = looked.would else { panic!("{auth}") };
        assert_eq!(method, "POST");
        assert_eq!(url, format!("{}/v1/orders/a%2Fb?sig=***&q=x%26y{behind}", server.url()));
        assert_eq!(body.as_deref(), Some(r#"{"n":"x&y"}"#));
        let of = |name: &str| {
            let found = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!((of("x-plain"), of("x-id")), (Some("shown"), Some("a/b")));
        assert_eq!((of("x-s"), of("cookie"), of("x-api-token")), (Some("***"), Some("***"), Some("***")));
        if let Some((name, value)) = header {
            assert_eq!(of(name), Some(value), "{auth}");
        }
    }
    let source = rig.source("http", json!({ "url": server.url() }), json!({}));
    let looked = look(&rig, &source, json!({ "path": "x", "method": "HEAD" }), json!({})).await.unwrap();
    assert!(looked.effect == Effect::Reads && matches!(looked.would, Would::Request { body: None, .. }));
    let error = look(&rig, &source, json!({ "path": "/../x" }), json!({})).await.unwrap_err();
    assert_eq!(error.code(), Code::InputInvalid, "{error}");
    assert_eq!(server.count(), 0, "nothing was sent");
}

#[tokio::test]
async fn what_the_service_or_nobody_knows() {
    let service =
        sections::DataSource { service_url: Some("http://127.0.0.1:9".to_owned()), ..open_settings() };
    let rig = Rig::new(service);
    let of_service =
        rig.query_of(&tenant(), None, json!({ "inputDefinitions": [{ "key": "n", "default": 1 }] }));
    let looked = rig.sources.look(&tenant(), &of_service, &Map::new()).await.unwrap();
    assert_eq!(
        (looked.would, looked.effect, looked.inputs["n"].clone()),
        (Would::Service, Effect::MayWrite, json!(1))
    );
    for (tenant, query) in [(TenantId::trusted("t2"), of_service), (tenant(), DataQueryId::generate())] {
        let error = rig.sources.look(&tenant, &query, &Map::new()).await.unwrap_err();
        assert!(matches!(error, Error::Foreign), "{error}");
    }
    let error =
        look(&rig, &DataSourceId::generate(), json!({ "query": "SELECT 1" }), json!({})).await.unwrap_err();
    assert_eq!(error.code(), Code::QueryUnavailable);
}
