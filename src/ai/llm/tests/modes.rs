//! `faults.md` F46: whatever the endpoint does, a turn has one end, in time, and what was told is not told twice.

use std::time::Duration;

use serde_json::json;

use super::stage::{Act, End, Piece, READS, Stage, assistant, call, says, settings, stop, text, turn};
use crate::{
    ai::{Assistant as _, Error, Failure},
    clock::Clock,
    config::{DurationSetting, Size, sections},
    error::{Code, Coded},
};

fn unavailable(failure: &Failure) {
    assert_eq!(failure.error.code(), Code::AssistantUnavailable, "{failure:?}");
    let words = failure.error.to_string();
    assert!(!words.contains("canary"), "neither the key nor the endpoint's own words: {words}");
}

#[tokio::test]
async fn an_answer_is_told_as_it_grows() {
    let acts = vec![Act::Stream(
        vec![text("Here "), Piece::Pause(20), text("it \u{7}\u{202e}is."), stop("stop")],
        End::Done,
    )];
    let stage = Stage::new(acts).await;
    let answer = stage.answer().await.unwrap();
    assert_eq!(answer.text, "Here it is.");
    assert_eq!(*stage.told.lock(), answer.text);
    assert!(answer.tokens > 0, "guessed when nobody counts");
    let asked = stage.server.asked.lock()[0].clone();
    assert_eq!((&asked["model"], &asked["stream"]), (&json!("model-1"), &json!(true)));
    assert_eq!(asked["messages"][1], json!({ "role": "user", "content": "Show me sales for last month" }));
    let head = stage.server.heads.lock()[0].clone();
    assert!(
        head.starts_with("post /v1/chat/completions") && head.contains("authorization: bearer canary-key")
    );
    let counted = Stage::new(vec![says("Hello.")]).await.answer().await.unwrap();
    assert_eq!(counted.tokens, 42);
}

#[tokio::test]
async fn what_passes_is_tried_again_and_retry_after_is_obeyed() {
    for (status, headers, least) in
        [(500, "", 0), (503, "", 0), (429, "Retry-After: 1\r\n", 1000), (429, "", 0)]
    {
        let stage = Stage::new(vec![Act::Status(status, headers), says("Hello.")]).await;
        let begun = Clock::real().monotonic();
        assert_eq!(stage.answer().await.unwrap().text, "Hello.", "{status}");
        assert!(begun.elapsed() >= Duration::from_millis(least), "{status}");
        assert_eq!(stage.calls(), 2);
    }
    // Nothing of it was told, so it may begin again.
    for act in [
        Act::Silence,
        Act::Stream(Vec::new(), End::Cut),
        Act::Stream(vec![Piece::Data(json!({ "choices": [] }))], End::Stall),
    ] {
        let stage = Stage::new(vec![act.clone(), says("Hello.")]).await;
        assert_eq!(stage.answer().await.unwrap().text, "Hello.", "{act:?}");
    }
}

#[tokio::test]
async fn each_fault_ends_the_turn_once() {
    let garbage = || Piece::Raw(b"data: {\"choices\": [{\"delta\"\n\ndata: <html>\n\n".to_vec());
    let cases: Vec<(&str, Act, &str, usize)> = vec![
        ("500", Act::Status(500, ""), "", 3),
        ("429", Act::Status(429, "Retry-After: 0\r\n"), "", 3),
        ("401", Act::Status(401, ""), "", 1),
        ("404", Act::Status(404, ""), "", 1),
        ("400", Act::Status(400, ""), "", 1),
        ("silence", Act::Silence, "", 3),
        ("garbage", Act::Stream(vec![garbage()], End::Done), "", 1),
        ("no stream", Act::Stream(vec![Piece::Raw(b"{\"choices\":[]}".to_vec())], End::Cut), "", 3),
        ("garbage in the middle", Act::Stream(vec![text("So far"), garbage()], End::Done), "So far", 1),
        ("cut", Act::Stream(vec![text("So far")], End::Cut), "So far", 1),
        ("stall", Act::Stream(vec![text("So far")], End::Stall), "So far", 1),
        ("done without an end", Act::Stream(vec![text("So far")], End::Done), "So far", 1),
        ("nothing", Act::Stream(vec![stop("stop")], End::Done), "", 1),
        (
            "trouble in the stream",
            Act::Stream(
                vec![text("So far"), Piece::Data(json!({ "error": { "message": "canary" } }))],
                End::Stall,
            ),
            "So far",
            1,
        ),
        (
            "noise without end",
            Act::Stream(vec![Piece::Forever(json!({ "x": "y".repeat(8192) }))], End::Stall),
            "",
            3,
        ),
    ];
    for (name, act, partial, calls) in cases {
        let stage = Stage::new(vec![act]).await;
        let begun = Clock::real().monotonic();
        let failure = stage.answer().await.expect_err(name);
        unavailable(&failure);
        assert_eq!((failure.partial.as_str(), stage.calls()), (partial, calls), "{name}: {failure:?}");
        assert_eq!(*stage.told.lock(), partial, "{name}");
        assert!(begun.elapsed() < Duration::from_secs(4), "{name} took {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn an_endless_answer_ends_the_turn_with_what_was_told() {
    let forever = Piece::Forever(json!({ "choices": [{ "delta": { "content": "and so on " } }] }));
    let settings = sections::Ai { max_output: Size::kib(1), ..settings() };
    let stage = Stage::with(vec![Act::Stream(vec![forever], End::Stall)], settings).await;
    let failure = stage.answer().await.unwrap_err();
    unavailable(&failure);
    assert_eq!(failure.error, Error::Endless(Size::kib(1)));
    assert!(failure.partial.len() <= 1024 && failure.partial.starts_with("and so on and"), "{failure:?}");
    assert_eq!((stage.calls(), &*stage.told.lock()), (1, &failure.partial));
    // What was said between calls of tools counts as well.
    let much = Act::Stream(
        vec![
            text(&"x".repeat(700)),
            call(0, "c", "run_query", &json!({ "dataQueryID": READS }).to_string()),
            stop("tool_calls"),
        ],
        End::Done,
    );
    let settings = sections::Ai { max_output: Size::kib(1), ..super::stage::settings() };
    let failure = Stage::with(vec![much], settings).await.answer().await.unwrap_err();
    assert_eq!(failure.error, Error::Endless(Size::kib(1)));
    // One line without end is given up as well, however fast it comes.
    let line = Act::Stream(
        vec![Piece::Raw(vec![b'x'; 4 << 20]), Piece::Pause(10), Piece::Raw(vec![b'x'; 4 << 20])],
        End::Stall,
    );
    let settings = sections::Ai { max_output: Size::kib(1), retries: 0, ..super::stage::settings() };
    unavailable(&Stage::with(vec![line], settings).await.answer().await.unwrap_err());
}

#[tokio::test]
async fn a_turn_has_a_time_of_its_own() {
    let slow: Vec<Piece> = (0..100).flat_map(|_| [text("x"), Piece::Pause(50)]).collect();
    let settings = sections::Ai { turn_timeout: DurationSetting::from_secs(1), ..settings() };
    let stage = Stage::with(vec![Act::Stream(slow, End::Done)], settings).await;
    let failure = stage.answer().await.unwrap_err();
    assert_eq!(failure.error, Error::Late(1));
    assert!(failure.partial.starts_with("xxx"), "{failure:?}");
    // A wait that the endpoint asks for does not outlast the turn.
    let settings = sections::Ai { turn_timeout: DurationSetting::from_secs(1), ..super::stage::settings() };
    let stage = Stage::with(vec![Act::Status(429, "Retry-After: 600\r\n")], settings).await;
    let begun = Clock::real().monotonic();
    unavailable(&stage.answer().await.unwrap_err());
    assert!(begun.elapsed() < Duration::from_millis(800), "the turn ends at once: {:?}", begun.elapsed());
    assert_eq!(stage.calls(), 1);
}

#[tokio::test]
async fn nobody_listens_at_the_address() {
    let assistant = assistant("http://127.0.0.1:1/v1", settings());
    let desk = std::sync::Arc::new(super::stage::FakeDesk::default());
    let failure = assistant.answer(turn(), desk, std::sync::Arc::new(|_: &str| {})).await.unwrap_err();
    unavailable(&failure);
}

#[tokio::test]
async fn a_dropped_turn_closes_its_connection() {
    let stage = Stage::new(vec![Act::Stream(vec![text("So far")], End::Stall)]).await;
    let waited = tokio::time::timeout(Duration::from_millis(150), stage.answer()).await;
    assert!(waited.is_err());
    assert_eq!(*stage.told.lock(), "So far");
    assert_eq!(stage.calls(), 1, "nothing more is asked of anybody");
}
