//! What messages fill.

use jiff::{Zoned, tz::TimeZone};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Filled, Message, fill};
use crate::{ai::catalogue::Entry, ids::DataQueryId, store::tables::catalogue::QueryText};

fn now() -> Zoned {
    let time: jiff::civil::DateTime = "2026-11-25T13:00".parse().unwrap();
    time.to_zoned(TimeZone::get("Europe/Berlin").unwrap()).unwrap()
}

fn entry(title: &str, statement: &str, inputs: Value) -> Entry {
    let row = QueryText {
        data_query_id: DataQueryId::trusted("q"),
        datasource_id: None,
        title: title.to_owned(),
        description: None,
        options: json!({ "query": statement, "inputDefinitions": inputs }).to_string(),
    };
    Entry::of_query(row, None)
}

fn filled(entry: &Entry, text: &str, asked: Option<&str>) -> Filled {
    fill(entry, &Message::read(text, &now()), &Map::new(), asked)
}

fn check(entry: &Entry, table: &[(&str, Value)]) {
    for (text, wanted) in table {
        let found = filled(entry, text, None);
        assert_eq!(Value::Object(found.values.clone()), *wanted, "{text}: {found:?}");
    }
}

fn dates(statement: &str, from: Value, to: Value) -> Entry {
    entry("Sales", statement, json!([from, to]))
}

fn date(key: &str, label: &str) -> Value {
    json!({ "key": key, "type": "string", "format": "date", "label": label })
}

#[test]
fn a_range_fills_its_pair() {
    let sales = dates("", date("from", "First day"), date("to", "Day behind the last"));
    check(
        &sales,
        &[
            ("sales for last month", json!({ "from": "2026-10-01", "to": "2026-11-01" })),
            ("sales", json!({})),
            ("sales of yesterday", json!({ "from": "2026-11-24", "to": "2026-11-25" })),
            ("sales before May", json!({ "to": "2026-05-01" })),
            ("sales since Monday", json!({ "from": "2026-11-23", "to": "2026-11-26" })),
            // Two times are one too many.
            ("sales of March and of May 2025", json!({})),
            ("sales of the last 3 hours", json!({})),
        ],
    );
    assert_eq!(filled(&sales, "of March and of May 2025", None).unclear[0].between, ["March", "May 2025"]);
    assert_eq!(filled(&sales, "last month", None).range.unwrap(), "2026-10-01 to 2026-10-31");
    // Which end it is, and whether the last day is in it.
    let last = json!("2026-10-31");
    let behind = json!("2026-11-01");
    for (statement, start, stop, wanted) in [
        ("", date("start_date", "Begin"), date("endDate", "End"), &behind),
        ("", date("after", "x"), date("before", "y"), &behind),
        ("", date("a", "From"), date("b", "Until"), &behind),
        ("", date("a", "First day"), date("b", "Last day"), &last),
        ("", date("since", "x"), date("through", "y"), &last),
        ("", date("from", "x"), date("to", "To (inclusive)"), &last),
        ("WHERE d BETWEEN {{from}} AND {{to}}", date("from", "x"), date("to", "y"), &last),
        ("WHERE d >= {{from}} AND d <= {{to}}", date("from", "x"), date("to", "y"), &last),
        ("WHERE d < {{to}}", date("from", "x"), date("to", "The last day"), &behind),
    ] {
        let entry = dates(statement, start.clone(), stop.clone());
        let found = filled(&entry, "sales for last month", None).values;
        assert_eq!(found[start["key"].as_str().unwrap()], "2026-10-01", "{start}");
        assert_eq!(found[stop["key"].as_str().unwrap()], *wanted, "{statement} {stop}");
    }
}

#[test]
fn forms_of_dates() {
    let time = |key: &str| json!({ "key": key, "type": "string", "format": "date-time" });
    let times = dates("", time("from"), time("to"));
    check(
        &times,
        &[
            // The clocks go back on the 25th: another offset at each end.
            ("last month", json!({ "from": "2026-10-01T00:00:00+02:00", "to": "2026-11-01T00:00:00+01:00" })),
            (
                "last 2 hours",
                json!({ "from": "2026-11-25T11:00:00+01:00", "to": "2026-11-25T13:00:00+01:00" }),
            ),
        ],
    );
    let month = |key: &str| json!({ "key": key, "type": "string", "pattern": "^\\d{4}-\\d{2}$" });
    check(
        &dates("m BETWEEN {{from}} AND {{to}}", month("from"), month("to")),
        &[("from March to May", json!({ "from": "2026-03", "to": "2026-05" })), ("last week", json!({}))],
    );
    check(
        &entry("Sales", "", json!([month("month")])),
        &[
            ("last month", json!({ "month": "2026-10" })),
            ("in March 2025", json!({ "month": "2025-03" })),
            ("yesterday", json!({})),
        ],
    );
    let one = |key: &str| entry("Sales", "", json!([date(key, "x")]));
    check(&one("day"), &[("yesterday", json!({ "day": "2026-11-24" })), ("last week", json!({}))]);
    check(
        &one("since"),
        &[
            ("since Monday", json!({ "since": "2026-11-23" })),
            ("last 7 days", json!({ "since": "2026-11-19" })),
            ("last month", json!({})),
        ],
    );
    check(&one("until"), &[("until March", json!({ "until": "2026-04-01" })), ("in March", json!({}))]);
    // Asked for, a day is that day.
    assert_eq!(filled(&one("since"), "1 May", Some("since")).values["since"], "2026-05-01");
    // A text that is no date takes no time, and that is said.
    let text = entry("Sales", "", json!([{ "key": "since", "type": "string" }]));
    let found = filled(&text, "sales for last month", None);
    assert_eq!((found.values.len(), found.unused_time.as_deref()), (0, Some("last month")));
}

#[test]
fn numbers_by_name_and_the_only_one() {
    let order = entry("Refund an order", "", json!([{ "key": "order", "type": "number", "required": true }]));
    check(
        &order,
        &[
            ("refund order 7", json!({ "order": 7 })),
            ("refund order no. 7", json!({ "order": 7 })),
            ("refund 7", json!({ "order": 7 })),
            ("refund order 2025", json!({ "order": 2025 })),
            ("refund orders 7 and 8", json!({ "order": 7 })),
            ("refund 7 and 8", json!({})),
            ("refund an order", json!({})),
            ("refund \"7\"", json!({})),
            ("refund 99999999999999999999999", json!({})),
        ],
    );
    let plain = entry("Refund", "", json!([{ "key": "order", "type": "number" }]));
    check(&plain, &[("refund 7", json!({ "order": 7 }))]);
    let limit = entry("Products", "", json!([{ "key": "limit", "type": "number", "default": 10 }]));
    check(&limit, &[("products of shop 5", json!({})), ("first 5 products", json!({ "limit": 5 }))]);
    let top = entry(
        "Best products",
        "",
        json!([
            { "key": "limit", "type": "number", "default": 10 }, { "key": "minPrice", "type": "number", "label": "Price from" },
            date("from", "x"), date("to", "y"),
        ]),
    );
    check(
        &top,
        &[
            ("top 5 products", json!({ "limit": 5 })),
            ("best products, limit 5, min price 3.5", json!({ "limit": 5, "minPrice": 3.5 })),
            ("best 5 products", json!({})),
            ("best products priced 5", json!({})),
            (
                "top 5 products of the last 30 days",
                json!({ "limit": 5, "from": "2026-10-27", "to": "2026-11-26" }),
            ),
        ],
    );
}

#[test]
fn texts_and_enums_and_switches() {
    let price = entry(
        "Set the price of a product",
        "",
        json!([
            { "key": "product", "type": "string", "required": true },
            { "key": "cents", "type": "number", "required": true, "label": "Price in cents" },
        ]),
    );
    check(
        &price,
        &[
            ("Set the price of Mug to 1250", json!({ "product": "Mug", "cents": 1250 })),
            (
                "set the price of \"Almond biscuits\" to 620",
                json!({ "product": "Almond biscuits", "cents": 620 }),
            ),
            (
                "Set the price of Almond biscuits to 620",
                json!({ "product": "Almond biscuits", "cents": 620 }),
            ),
            ("set the price for product mug to 1250 cents", json!({ "product": "mug", "cents": 1250 })),
            ("product: mug, cents: 1250", json!({ "product": "mug", "cents": 1250 })),
            ("set the price of mug to 1250", json!({ "cents": 1250 })),
            ("Set the price of Mug or of Teapot to 1250", json!({ "cents": 1250 })),
            ("Set The Price Of A Product", json!({})),
            ("set the price of \"{{x}}'; DROP TABLE x\"", json!({ "product": "{{x}}'; DROP TABLE x" })),
        ],
    );
    assert_eq!(
        filled(&price, "Set the price of Mug or of Teapot", None).unclear[0].between,
        ["Mug", "Teapot"]
    );
    assert_eq!(filled(&price, "the blue one", Some("product")).values["product"], "the blue one");
    let region = entry(
        "Sales",
        "",
        json!([
            { "key": "region", "type": "string", "enum": ["North", "North America", "EMEA"] },
            { "key": "archived", "type": "boolean" },
            { "key": "size", "type": "number", "enum": [{ "value": 1, "label": "small" }, { "value": 2, "label": "large" }] },
        ]),
    );
    check(
        &region,
        &[
            ("sales in north america", json!({ "region": "North America" })),
            ("large sales in emea with archived", json!({ "region": "EMEA", "archived": true, "size": 2 })),
            ("sales in the north without archived", json!({ "region": "North", "archived": false })),
            ("sales in emea and the north", json!({})),
            ("sales", json!({})),
        ],
    );
    assert_eq!(filled(&region, "yes", Some("archived")).values["archived"], true);
}

proptest! {
    #[test]
    fn nothing_panics(text in proptest::collection::vec(prop_oneof![
        "\\PC{0,6}", "[0-9]{1,20}", proptest::sample::select(vec![
            "product", "price", "\"", "“", "”", "Mug", "to", "of", ":", "=", ",", "cents", "last month", "since", "limit",
            "region", "North", "no", "{{x}}", "\u{202e}", "first", "2025", "é", "İ", "ß",
        ]).prop_map(str::to_owned),
    ], 0..16).prop_map(|words| words.join(" ")), asked in any::<bool>()) {
        let entry = entry("Set the price İß", "WHERE a < {{to}}", json!([
            { "key": "product", "type": "string", "required": true }, { "key": "cents", "type": "number", "required": true },
            { "key": "region", "type": "string", "enum": ["North", "é", ""] }, { "key": "no", "type": "boolean" },
            date("from", "x"), date("to", "y"), { "key": "limit", "type": "number" }, { "key": "x", "type": "object" },
        ]));
        let found = filled(&entry, &text, asked.then_some("product"));
        // What is filled was said: a text is a part of the message.
        if let Some(product) = found.values.get("product").and_then(Value::as_str) {
            prop_assert!(text.contains(product), "{text:?} {product:?}");
        }
    }
}
