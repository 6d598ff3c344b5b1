//! Who is in a room, by socket and by REST.

use serde_json::{Value, json};

use super::shop::*;
use crate::harness::{
    database::Kind as Db,
    driver::{Driver, KINDS, Via, events_of},
    world::ACME,
};

/// The seed's payloads, as the pages send them: no ack, no argument, a plain text, `roomId`.
#[test]
fn pages_of_the_seed() {
    for db in Db::here() {
        let shop = Shop::start(db, &[]);
        for kind in [KINDS[0], KINDS[3]] {
            let mut driver = Driver::start(kind);
            let name = format!("page{}", if kind == KINDS[0] { "n" } else { "p" });
            shop.page(&mut driver, &name, Via::Both);
            driver.emit(&name, JOIN, json!([]));
            let entered = driver.wait("the room", |seen| events_of(seen, &name, ROOM).pop());
            let room = entered["chatRoomID"].as_str().unwrap().to_owned();
            let payloads = [
                json!([{ "message": { "text": "hello" }, "chatRoomID": room, "firebaseID": "uid", "tenantID": ACME }]),
                json!([{ "message": "hello again", "roomId": room }]),
                json!([{ "message": { "text": "and again", "action": "test" }, "chatRoomID": room, "firebaseID": "u2", "tenantID": ACME }]),
            ];
            for (at, payload) in payloads.into_iter().enumerate() {
                driver.emit(&name, SAY, payload);
                driver.wait("an answer", |seen| (events_of(seen, &name, BOT).len() > at).then_some(()));
            }
            for told in events_of(&driver.seen, &name, BOT) {
                assert!(told["text"].as_str().is_some_and(|text| !text.trim().is_empty()), "{told}");
                assert_eq!((&told["message"], &told["chatRoomID"]), (&told["text"], &json!(room)), "{told}");
            }
            assert_eq!(events_of(&driver.seen, &name, ERROR), Vec::<Value>::new());
            // Again on the same socket: the room that it is in. It leaves, and comes back to it.
            driver.emit(&name, JOIN, json!([{ "firebaseID": "user-firebase-uid" }]));
            driver.wait("the same room", |seen| (events_of(seen, &name, ROOM).len() > 1).then_some(()));
            driver.emit(&name, "ai_chat_room_disconnect", json!([]));
            driver.emit(&name, JOIN, json!([{}]));
            driver.wait("once more", |seen| (events_of(seen, &name, ROOM).len() > 2).then_some(()));
            let rooms = events_of(&driver.seen, &name, ROOM);
            assert!(rooms.iter().all(|entered| entered["chatRoomID"] == json!(room)), "{rooms:?}");
            let history = rooms[2]["history"].as_array().unwrap();
            assert_eq!((rooms[2]["resumed"].clone(), history.len()), (json!(true), 6), "{rooms:?}");
        }
    }
}

/// The owner invites by REST; who is not in the room finds none, by socket and by REST.
#[test]
fn who_is_in_a_room_and_who_is_not() {
    for db in Db::here() {
        let shop = Shop::start(db, &[]);
        let mut driver = Driver::start(KINDS[0]);
        for name in ["bob", "cyd", "dan"] {
            shop.page(&mut driver, name, Via::Websocket);
        }
        let room = enter(&mut driver, "bob", json!({}));
        say(&mut driver, "bob", &room, json!("hello"));
        let code = |driver: &mut Driver, name: &str, event: &str, body: Value| {
            driver.ask(name, event, json!([body]))[0]["error"]["code"].as_str().unwrap_or("ok").to_owned()
        };
        for body in [json!({ "chatRoomID": room }), json!({ "chatRoomID": "none" })] {
            assert_eq!(code(&mut driver, "cyd", JOIN, body.clone()), "ROOM_NOT_FOUND");
            let mut said = body.clone();
            said["message"] = json!("hello");
            assert_eq!(code(&mut driver, "cyd", SAY, said), "ROOM_NOT_FOUND");
            assert_eq!(code(&mut driver, "cyd", "ai_chat_cancel", body), "ROOM_NOT_FOUND");
        }
        let one = format!("/{room}");
        for (method, more) in
            [("GET", ""), ("GET", "/export"), ("GET", "/members"), ("DELETE", ""), ("DELETE", "/members/x")]
        {
            let (status, body) = shop.rest("cyd", method, &format!("{one}{more}"), &Value::Null);
            let (other, missing) = shop.rest("cyd", method, &format!("/none{more}"), &Value::Null);
            assert_eq!((status, other), (404, 404), "{method} {more}: {body}");
            assert_eq!(body["error"]["code"], "ROOM_NOT_FOUND", "{body}");
            assert_eq!(body["error"]["message"], missing["error"]["message"]);
        }
        let (status, _) = shop.rest("cyd", "PATCH", &one, &json!({ "title": "mine" }));
        assert_eq!(status, 404);

        // Invited, she is in; what only the owner may do she may not.
        let (status, body) =
            shop.rest("bob", "POST", &format!("{one}/members"), &json!({ "firebaseID": "cyd" }));
        assert_eq!(status, 201, "{body}");
        assert_eq!(body["members"].as_array().unwrap().len(), 2, "{body}");
        let (status, body) =
            shop.rest("bob", "POST", &format!("{one}/members"), &json!({ "firebaseID": "nobody" }));
        assert_eq!((status, body["error"]["code"].as_str()), (404, Some("NOT_FOUND")), "{body}");
        assert_eq!(enter(&mut driver, "cyd", json!({ "chatRoomID": room })), room);
        let told = say(&mut driver, "cyd", &room, json!("hello to both"));
        answer(&mut driver, "bob", &told["inReplyTo"]);
        for (method, more, body) in [
            ("DELETE", "", Value::Null),
            ("PATCH", "", json!({ "title": "mine" })),
            ("POST", "/members", json!({ "firebaseID": "dan" })),
        ] {
            let (status, answer) = shop.rest("cyd", method, &format!("{one}{more}"), &body);
            assert_eq!(
                (status, answer["error"]["code"].as_str()),
                (403, Some("PERMISSION_DENIED")),
                "{method} {more}: {answer}"
            );
        }
        let (_, listed) = shop.rest("cyd", "GET", "", &Value::Null);
        assert_eq!(listed["rooms"][0]["chatRoomID"], json!(room), "{listed}");
        let (_, listed) = shop.rest("dan", "GET", "", &Value::Null);
        assert_eq!(listed["totalCount"], 0, "{listed}");

        // Let out, she hears nothing more, and finds no room.
        let members = shop.rest("bob", "GET", &format!("{one}/members"), &Value::Null).1;
        let cyd = members["members"][1]["userID"].as_str().unwrap();
        assert_eq!(shop.rest("bob", "DELETE", &format!("{one}/members/{cyd}"), &Value::Null).0, 200);
        let before = events_of(&driver.seen, "cyd", BOT).len();
        let last = say(&mut driver, "bob", &room, json!("without her"));
        assert_eq!(
            code(&mut driver, "cyd", SAY, json!({ "chatRoomID": room, "message": "hello?" })),
            "ROOM_NOT_FOUND"
        );
        assert_eq!(events_of(&driver.seen, "cyd", BOT).len(), before, "{last}");
        // Without an id she gets a room of her own.
        assert_ne!(enter(&mut driver, "cyd", json!({})), room);
    }
}

#[test]
fn a_room_by_rest() {
    for db in Db::here() {
        let shop = Shop::start(db, &[]);
        let mut driver = Driver::start(KINDS[0]);
        shop.page(&mut driver, "bob", Via::Websocket);
        let room = enter(&mut driver, "bob", json!({}));
        for text in ["hello one", "hello two", "hello three"] {
            say(&mut driver, "bob", &room, json!(text));
        }
        let one = format!("/{room}");
        let (status, read) = shop.rest("bob", "GET", &format!("{one}?pageSize=3"), &Value::Null);
        assert_eq!(status, 200, "{read}");
        assert_eq!(read["room"]["title"], "hello one");
        assert_eq!(read["room"]["messageCount"], 6, "{read}");
        let (mut all, mut page) = (Vec::new(), read);
        loop {
            all.extend(page["messages"].as_array().unwrap().clone());
            let Some(cursor) = page["nextCursor"].as_str() else { break };
            page = shop.rest("bob", "GET", &format!("{one}?pageSize=3&cursor={cursor}"), &Value::Null).1;
        }
        let (_, export) = shop.rest("bob", "GET", &format!("{one}/export"), &Value::Null);
        assert_eq!(export["messages"], json!(all));
        assert_eq!(export["nextCursor"], Value::Null);
        let roles: Vec<&str> = all.iter().map(|message| message["role"].as_str().unwrap()).collect();
        assert_eq!(roles.iter().filter(|role| **role == "user").count(), 3, "{all:?}");
        assert_eq!(roles.iter().filter(|role| **role == "assistant").count(), 3, "{all:?}");
        assert!(!export.to_string().contains("127.0.0.1"), "where somebody was is for the audit: {export}");
        assert_eq!(shop.rest("bob", "GET", &format!("{one}?cursor=x"), &Value::Null).0, 400);

        let (status, changed) =
            shop.rest("bob", "PATCH", &one, &json!({ "title": " Tea ", "isArchived": true }));
        assert_eq!((status, &changed["room"]["title"]), (200, &json!("Tea")), "{changed}");
        for (filter, count) in
            [("", 0), ("?archived=true", 1), ("?archived=all&search=tea", 1), ("?archived=all&search=x", 0)]
        {
            let (_, listed) = shop.rest("bob", "GET", filter, &Value::Null);
            assert_eq!(listed["totalCount"], count, "{filter}: {listed}");
        }
        assert_eq!(shop.rest("bob", "GET", "?archived=maybe", &Value::Null).0, 400);
        for bad in [json!({}), json!({ "title": "" }), json!({ "title": "a\nb" }), json!({ "title": 7 })] {
            assert_eq!(shop.rest("bob", "PATCH", &one, &bad).0, 400, "{bad}");
        }
        // An archived room is not the one that a page comes back to.
        driver.close("bob");
        shop.page(&mut driver, "bob@2", Via::Websocket);
        assert_ne!(enter(&mut driver, "bob@2", json!({})), room);
        assert_eq!(enter(&mut driver, "bob@2", json!({ "chatRoomID": room })), room);

        assert_eq!(shop.rest("bob", "DELETE", &one, &Value::Null).0, 200);
        assert_eq!(shop.rest("bob", "GET", &one, &Value::Null).0, 404);
        let gone =
            driver.ask("bob@2", SAY, json!([{ "chatRoomID": room, "message": "still there?" }]))[0].clone();
        assert_eq!(gone["error"]["code"], "ROOM_NOT_FOUND", "{gone}");
        // Without a name the socket goes on in another.
        assert_ne!(enter(&mut driver, "bob@2", json!({})), room);
    }
}
