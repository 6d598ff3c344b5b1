//! The catalogue assistant, which is there without a word of configuration: a page asks, gets a table, approves.

use serde_json::{Value, json};

use super::shop::*;
use crate::harness::{
    database::Kind as Db,
    driver::{Driver, KINDS, Via, events_of},
};

/// The first question gets a table; what is missing is asked for, over a restart; a refund waits for its approval.
#[test]
fn a_page_asks_for_what_the_tenant_has() {
    for db in Db::here() {
        let mut shop = Shop::start(db, &[]);
        let mut driver = Driver::start(KINDS[0]);
        shop.page(&mut driver, "bob", Via::Both);
        let room = enter(&mut driver, "bob", json!({ "stream": true }));
        let told = say(&mut driver, "bob", &room, json!("Show me sales for last month"));
        let rows = told["data"]["rows"].as_array().unwrap_or_else(|| panic!("{told}"));
        assert!((28..=31).contains(&rows.len()), "{told}");
        assert_eq!(told["data"]["columns"], json!(["day", "total"]), "{told}");
        assert!(told["proposal"].is_null(), "{told}");
        let growing: String = events_of(&driver.seen, "bob", "ai_chat_bot_delta")
            .iter()
            .filter_map(|delta| delta["text"].as_str())
            .collect();
        // The rows come behind the words.
        let text = told["text"].as_str().unwrap();
        let rest = text.strip_prefix(growing.as_str()).unwrap_or_else(|| panic!("{growing}: {told}"));
        assert!(!growing.is_empty() && rest.starts_with("\nday | total\n"), "{told}");

        // Nothing is kept but what was said.
        let told = say(&mut driver, "bob", &room, json!("I want a refund of an order"));
        assert!(told["text"].as_str().is_some_and(|text| text.starts_with("Before I can run")), "{told}");
        assert!(shop.world.hub.again(&[]), "{}", shop.world.hub.log());
        driver.wait("it comes back", |seen| {
            (seen.iter().filter(|e| e["id"] == "bob" && e["what"] == "connect").count() > 1).then_some(())
        });
        enter(&mut driver, "bob", json!({ "chatRoomID": room }));
        let told = say(&mut driver, "bob", &room, json!("7"));
        let proposal = &told["proposal"];
        assert!(proposal["proposalID"].is_string(), "{told}");
        let told = say(&mut driver, "bob", &room, json!("yes, I approve"));
        assert_eq!(shop.till.refunds(), 0, "{told}");
        say(
            &mut driver,
            "bob",
            &room,
            json!({ "text": "", "action": "approve", "proposalID": proposal["proposalID"] }),
        );
        assert_eq!((shop.till.refunds(), shop.till.refunds_of(7)), (1, 1));
        let told = say(&mut driver, "bob", &room, json!("Will umbrellas sell in Reykjavik?"));
        assert!(told["data"] == Value::Null && told["proposal"] == Value::Null, "{told}");
    }
}
