//! Catalogues as people have them: the demo's, and the one that `benches/chat` asks.

use serde_json::{Value, json};

use super::{
    rig::{input, query, save, source, tenant, workflow, write},
    talk::Talk,
};
use crate::{
    ids::DataSourceId,
    store::{
        Store,
        tables::dataqueries,
        tests::bed::{both, open},
    },
};

fn day(key: &str, label: &str) -> Value {
    input(key, "string", &json!({ "format": "date", "label": label, "required": true }))
}

async fn demo(store: &Store) {
    tenant(store, "a").await;
    let sql = |query: &str, inputs: Value| json!({ "query": query, "inputDefinitions": inputs });
    let entries = [
        (
            "categories",
            "Categories",
            "What kinds of products there are",
            sql("SELECT category, n AS products FROM p", json!([])),
        ),
        (
            "months",
            "Sales of a category by month",
            "Orders and turnover of one category, month by month",
            sql(
                "SELECT month, orders, cents FROM o",
                json!([
                    input("category", "string", &json!({ "required": true })),
                    input("since", "string", &json!({ "default": "2024-01-01" })),
                ]),
            ),
        ),
        (
            "parcel",
            "Parcel of an order",
            "Where the parcel of one order is",
            json!({ "path": "/{{order}}", "inputDefinitions": [input("order", "number", &json!({ "required": true }))] }),
        ),
        (
            "sales",
            "Sales",
            "What was sold, day by day: orders and turnover in euros",
            sql(
                "SELECT day, orders, euros FROM orders WHERE at >= {{from}} AND at < {{to}}",
                json!([day("from", "First day"), day("to", "Day behind the last")]),
            ),
        ),
        (
            "price",
            "Set the price of a product",
            "Changes what a product costs from now on",
            sql(
                "UPDATE products SET cents = {{cents}} WHERE name = {{product}}",
                json!([
                    input(
                        "product",
                        "string",
                        &json!({ "required": true, "label": "Product", "enum": ["Mug", "Filter", "Almond biscuits"] })
                    ),
                    input("cents", "number", &json!({ "required": true, "label": "Price in cents" })),
                ]),
            ),
        ),
    ];
    for (id, title, about, options) in entries {
        save(store, query("a", id, title, about, options)).await;
    }
    let order = json!({ "inputDefinitions": [input("order", "number", &json!({ "default": 1 }))] });
    let since =
        json!({ "inputDefinitions": [input("since", "string", &json!({ "default": "2024-01-01" }))] });
    workflow(
        store,
        "a",
        "w_report",
        "Sales report",
        "a query, a loop over its rows with a query in its body",
        &since,
    )
    .await;
    workflow(store, "a", "w_parcel", "Parcel", "a call that fails twice before it is answered", &order).await;
    workflow(store, "a", "w_refund", "Refund", "waits for an approval, two minutes at most", &order).await;
    workflow(store, "a", "w_live", "Live sales", "half a minute of a chart, a point each second", &json!({}))
        .await;
}

#[test]
fn what_a_newcomer_types_into_the_demo() {
    both(async |database| {
        let store = open(database);
        demo(&store).await;
        let mut talk = Talk::new(&store, &["price"]);
        let october = json!({ "from": "2026-10-01", "to": "2026-11-01" });
        for (text, id, inputs) in [
            ("Show me sales for last month", "sales", october.clone()),
            ("how were our sales in October?", "sales", october.clone()),
            ("turnover of last month", "sales", october.clone()),
            ("What was sold last month?", "sales", october),
            (
                "could you please fetch and display the sales of yesterday",
                "sales",
                json!({ "from": "2026-11-24", "to": "2026-11-25" }),
            ),
            ("Sales of Tea by month", "months", json!({ "category": "Tea" })),
            ("sales by month for category coffee", "months", json!({ "category": "coffee" })),
            ("What categories are there?", "categories", json!({})),
            ("Where is the parcel of order 7?", "parcel", json!({ "order": 7 })),
        ] {
            let answer = talk.say(text).await;
            assert_eq!(talk.ran(), [(id.to_owned(), inputs)], "{text}: {}", answer.text);
            assert!(!answer.text.contains("Not used"), "{text}: {}", answer.text);
        }
        for (text, id, inputs) in [
            ("Set the price of Mug to 1250", "price", json!({ "product": "Mug", "cents": 1250 })),
            (
                "set the price of almond biscuits to 620 cents",
                "price",
                json!({ "product": "Almond biscuits", "cents": 620 }),
            ),
            ("Refund order 42", "w_refund", json!({ "order": 42 })),
            ("Refund order #42", "w_refund", json!({ "order": 42 })),
            ("start the sales report", "w_report", json!({})),
            ("Sales report since March 2026", "w_report", json!({ "since": "2026-03-01" })),
            ("live sales", "w_live", json!({})),
        ] {
            let answer = talk.say(text).await;
            let call = serde_json::to_value(
                answer.proposal.unwrap_or_else(|| panic!("{text}: {}", answer.text)).call,
            )
            .unwrap();
            let arguments = &call["arguments"];
            let found = arguments["dataQueryID"].as_str().or_else(|| arguments["workflowID"].as_str());
            assert_eq!((found, &arguments["inputValues"]), (Some(id), &inputs), "{text}");
        }
        for text in ["Do not refund order 42", "Don't refund order 42", "never set the price of Mug to 1250"]
        {
            let answer = talk.say(text).await;
            assert!(answer.proposal.is_none(), "{text}: {}", answer.text);
        }
        talk.ran();
        // Step by step.
        assert!(talk.say("change the price of a mug").await.text.contains("“Price in cents”: a number"));
        assert!(talk.say("1250").await.proposal.is_some());
        assert!(talk.say("sales").await.text.starts_with("Before I can run “Sales”, I need a time"));
        talk.ran();
        talk.say("the last 7 days").await;
        assert_eq!(talk.ran(), [("sales".to_owned(), json!({ "from": "2026-11-19", "to": "2026-11-26" }))]);
        let answer = talk.say("sales of tea for last month").await;
        assert!(answer.text.ends_with("Not used: “tea”."), "{}", answer.text);
        store.close().await;
    });
}

#[test]
fn what_the_bench_says() {
    both(async |database| {
        let store = open(database);
        tenant(&store, "a").await;
        source(&store, "a", "facts", "Warehouse").await;
        let save_all = |c: &mut crate::store::Connection| {
            for measure in ["revenue", "margin", "tax"] {
                for noun in ["orders", "invoices", "rooms"] {
                    for side in [
                        "region", "product", "team", "city", "branch", "country", "carrier", "segment",
                        "channel", "category",
                    ] {
                        let title = format!("{measure} of {noun} by {side}");
                        let about =
                            format!("Ledger figures: how much {measure} the {noun} have, one row a {side}");
                        let options = json!({ "query": format!("SELECT side AS {side}, sum(amount) AS amount FROM facts") });
                        let mut new = query("a", &title.replace(' ', "_"), &title, &about, options);
                        new.datasource_id = Some(DataSourceId::trusted("facts"));
                        dataqueries::insert(c, &new)?;
                    }
                }
            }
            dataqueries::insert(c, &query("a", "moon", "Count to the moon", "", json!({})))
        };
        write(&store, save_all).await;
        let mut talk = Talk::new(&store, &[]);
        talk.say("Show me the margin of invoices by city, please").await;
        talk.say("Count to the moon").await;
        let ran: Vec<String> = talk.ran().into_iter().map(|(id, _)| id).collect();
        assert_eq!(ran, ["margin_of_invoices_by_city", "moon"]);
        let answer = talk.say("What is the tax of our rooms?").await;
        assert!(
            answer.text.starts_with("Which one do you mean?") && answer.text.contains("There are more"),
            "{}",
            answer.text
        );
        let answer = talk.say("by carrier").await;
        assert!(answer.text.starts_with("“tax of rooms by carrier”"), "{}", answer.text);
        assert!(
            talk.say("ledger figures facts warehouse amount x7")
                .await
                .text
                .starts_with("Which one do you mean?")
        );
        assert!(
            talk.say("Will umbrellas sell in Reykjavik 7 hence?")
                .await
                .text
                .starts_with("I found nothing that fits")
        );
        store.close().await;
    });
}
