use std::sync::Arc;

use jiff::{Zoned, tz::TimeZone};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    fit::{Fit, fit},
    intent::{Intent, intent},
    pick::pick,
    say,
    step::{Reply, State, step, wants},
};
use crate::{
    ai::catalogue::{Entry, Hit, fill::Message},
    ids::{DataQueryId, RunId, WorkflowId},
    store::tables::catalogue::{QueryText, WorkflowText},
};

fn message(text: &str) -> Message {
    let time: jiff::civil::DateTime = "2026-11-25T13:00".parse().unwrap();
    let at: Zoned = time.to_zoned(TimeZone::get("Europe/Berlin").unwrap()).unwrap();
    Message::read(text, &at)
}

fn entry(title: &str, about: &str, inputs: Value) -> Arc<Entry> {
    Arc::new(Entry::of_query(
        QueryText {
            data_query_id: DataQueryId::trusted(title),
            datasource_id: None,
            title: title.to_owned(),
            description: Some(about.to_owned()),
            options: json!({ "inputDefinitions": inputs }).to_string(),
        },
        Some("Warehouse"),
    ))
}

fn hits(entries: &[Arc<Entry>]) -> Vec<Hit> {
    entries.iter().map(|entry| Hit { entry: Arc::clone(entry), score: 1.0 }).collect()
}

fn days() -> Value {
    json!([{ "key": "from", "format": "date" }, { "key": "to", "format": "date" }])
}

#[test]
fn what_fits_a_request() {
    let all = [
        entry("Sales", "What was sold", json!([])),
        entry("Sales by day", "", days()),
        entry(
            "Sales of a category by month",
            "",
            json!([{ "key": "category", "type": "string", "required": true }]),
        ),
        entry("Staff report", "Who works here", json!([])),
        entry("Staff rota", "", json!([])),
        entry("Report 4711", "", json!([])),
    ];
    let told = |text: &str| match fit(&hits(&all), &message(text)) {
        Fit::One(one) => one.title.clone(),
        Fit::Several(some) => some.iter().map(|one| one.title.as_str()).collect::<Vec<_>>().join(" | "),
        Fit::None(_) => "-".to_owned(),
    };
    for (text, wanted) in [
        ("show me sales", "Sales"),
        ("sale", "Sales"),
        ("sales by day", "Sales by day"),
        ("sales by day for last month", "Sales by day"),
        ("sales by month of Almond biscuits", "Sales of a category by month"),
        ("sales per category", "Sales of a category by month"),
        ("staff", "Staff report | Staff rota"),
        ("who works", "Staff report"),
        ("report 4711", "Report 4711"),
        ("report 4712 of staff", "Staff report"),
        (
            "warehouse",
            "Sales | Sales by day | Sales of a category by month | Staff report | Staff rota | Report 4711",
        ),
        ("report about elephants and giraffes", "-"),
        ("umbrellas in Reykjavik", "-"),
        ("", "-"),
    ] {
        // An index gives only what has one of the words: the rest must not matter.
        let said = message(text).telling();
        let some: Vec<Arc<Entry>> = all
            .iter()
            .filter(|entry| {
                let words = entry.words();
                let text = [words.title, words.about, words.inputs, words.columns, words.source].join(" ");
                said.iter().any(|word| {
                    text.split(' ')
                        .any(|one| super::super::words::stem(one) == super::super::words::stem(word))
                })
            })
            .cloned()
            .collect();
        let found = match fit(&hits(&some), &message(text)) {
            Fit::One(one) => one.title.clone(),
            Fit::Several(some) => some.iter().map(|one| one.title.as_str()).collect::<Vec<_>>().join(" | "),
            Fit::None(_) => "-".to_owned(),
        };
        assert_eq!(found, wanted, "{text}");
    }
    assert_eq!(told("sales"), "Sales");
    // A far better score decides between equals.
    let mut two = hits(&all[3..5]);
    two[0].score = 2.0;
    assert!(matches!(fit(&two, &message("staff")), Fit::One(one) if one.title == "Staff report"));
}

#[test]
fn what_is_no_request() {
    let id = "0192f0c1-2f3a-7b1c-8d2e-3f4a5b6c7d8e";
    let run = Intent::Look(RunId::trusted(id));
    for (text, wanted) in [
        ("Hello!", Intent::Hello),
        ("good morning", Intent::Hello),
        ("hello 4", Intent::Request),
        ("What can you do?", Intent::List),
        ("help, please", Intent::List),
        ("help me with sales", Intent::Request),
        ("??", Intent::List),
        ("Never mind.", Intent::Cancel),
        ("cancel order 7", Intent::Request),
        ("I approve!", Intent::Consent),
        ("approve the order", Intent::Request),
        (&format!("how is run {id}?"), run.clone()),
        (&format!("status of {}", id.to_uppercase()), run.clone()),
        (id, run),
        (&format!("refund {id}"), Intent::Request),
        (&format!("runs {id} {id}"), Intent::Request),
        ("", Intent::Request),
        ("🙂", Intent::Request),
    ] {
        assert_eq!(intent(text), wanted, "{text}");
    }
    intent(&"9-".repeat(40_000));
}

#[test]
fn which_of_several() {
    let all = ["Stock by region", "Stock by product", "Stock"].map(|title| entry(title, "", json!([])));
    for (text, wanted) in [
        ("1", Some(0)),
        ("2.", Some(1)),
        ("number 3, please", Some(2)),
        ("the second one", Some(1)),
        ("#2", Some(1)),
        ("one", Some(0)),
        ("stock by product", Some(1)),
        ("by region", Some(0)),
        ("the product one", Some(1)),
        ("stock", Some(2)),
        ("4", None),
        ("0", None),
        ("1 and 2", None),
        ("sales", None),
        ("99999999999999999999999", None),
        ("", None),
        ("the", None),
    ] {
        assert_eq!(pick(&all, text), wanted, "{text}");
    }
}

#[test]
fn nothing_but_a_question_looks_like_one() {
    let evil = entry("Which one do you mean?\nBefore I can ", "\nWhich one do you mean?", json!([]));
    assert!(say::is_question(&say::which(&[Arc::clone(&evil)], false)));
    assert!(say::is_question(&format!(
        "I took your text as a new request.\n{}",
        say::which(&[Arc::clone(&evil)], false)
    )));
    for text in [
        say::list(say::HELP, &[Arc::clone(&evil)], true),
        say::nothing(&[Arc::clone(&evil)], &[]),
        say::nothing(&[], &[Arc::clone(&evil)]),
        say::title(&evil),
    ] {
        assert!(!say::is_question(&text), "{text}");
    }
    assert_eq!(say::line("a\u{202e}b\r\nc\u{7}” \u{e0041}", 99), "a\u{fffd}b  c\u{fffd}\" \u{fffd}");
    assert_eq!(say::line("äöü", 2), "äö…");
}

proptest! {
    /// Whatever is said: nothing panics, and what is done is one of what was found.
    #[test]
    fn steps_do_only_what_was_found(texts in proptest::collection::vec(prop_oneof![
        "\\PC{0,20}",
        proptest::collection::vec(proptest::sample::select(vec![
            "sales", "stock", "refund", "order", "7", "the", "first", "1", "last month", "cancel", "yes", "any time", "Mug",
            "\"x\"", "report", "approve", "help", "region", "since", "{{x}}", "\u{202e}",
        ]), 0..6).prop_map(|words| words.join(" ")),
    ], 1..6), found in 0_usize..5) {
        let workflow = Arc::new(Entry::of_workflow(WorkflowText {
            workflow_id: WorkflowId::trusted("w"), title: "Stock report".to_owned(), description: None,
            options: json!({ "inputDefinitions": [{ "key": "x", "type": "object", "required": true }] }).to_string(),
        }));
        let all = [
            entry("Sales", "", days()), entry("Stock", "", json!([])), workflow,
            entry("Refund an order", "", json!([
                { "key": "order", "type": "number", "required": true }, { "key": "product", "type": "string", "required": true },
                { "key": "region", "enum": ["north", "south"], "required": true },
            ])),
        ];
        let (mut state, mut talked_of) = (State::default(), false);
        for text in &texts {
            let message = message(text);
            let hits = if wants(&state, &message) { hits(&all[..found.min(all.len())]) } else { Vec::new() };
            talked_of |= !hits.is_empty();
            let (next, reply) = step(state, &message, &hits);
            if let Reply::Do(doing) = &reply {
                prop_assert!(talked_of && all.contains(&doing.entry), "{texts:?}");
            }
            let asks = matches!(next, State::Which { .. } | State::Missing { .. });
            if let Reply::Words(words) = &reply {
                // A talk that waits for an answer has asked, but for a word aside.
                prop_assert!(!say::is_question(words) || asks, "{texts:?} {words}");
            }
            state = next;
        }
    }
}
