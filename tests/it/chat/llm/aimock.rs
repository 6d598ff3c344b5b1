//! Against an OpenAI-compatible server that was not written by us: `@copilotkit/aimock`.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use jethub::clock::Clock;
use jiff::{ToSpan as _, tz::TimeZone};
use serde_json::{Value, json};

use crate::{
    chat::shop::*,
    harness::{
        database::Kind as Db,
        driver::{Driver, KINDS, Via, events_of, folder, install},
    },
};

/// Its process; it ends with ours.
struct Aimock {
    child: Child,
    commands: ChildStdin,
    lines: BufReader<ChildStdout>,
    url: String,
}

impl Aimock {
    #[track_caller]
    fn start() -> Self {
        install();
        let mut command = Command::new("node");
        command.arg(folder().join("aimock.mjs")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("node starts");
        let (commands, lines) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut aimock = Self { child, commands, lines, url: String::new() };
        aimock.url = format!("{}/v1", aimock.line("ready")["url"].as_str().unwrap());
        aimock
    }

    /// Its next line, which must be of that kind.
    #[track_caller]
    fn line(&mut self, what: &str) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line:?}"));
        assert_eq!(line["what"], what, "{line}");
        line
    }

    #[track_caller]
    fn tell(&mut self, command: &Value, what: &str) -> Value {
        writeln!(self.commands, "{command}").and_then(|()| self.commands.flush()).unwrap();
        self.line(what)
    }
}

impl Drop for Aimock {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const ANSWER: &str = "Every day ten pounds of tea were sold; the table shows it day by day.";

#[test]
fn a_question_a_call_a_table_and_an_answer_that_grows() {
    for db in Db::here() {
        let mut aimock = Aimock::start();
        let url = aimock.url.clone();
        let settings =
            [("ai.assistant", "llm"), ("ai.base_url", &url), ("ai.model", "gpt-5-mini"), ("ai.key", "k")];
        let shop = Shop::start(db, &settings);
        let today = Clock::real().now().to_zoned(TimeZone::UTC).date();
        let from = today.checked_sub(30.days()).unwrap().to_string();
        let inputs = json!({ "from": from, "to": today.to_string() });
        let call = |id: &str, inputs: &Value| json!([{ "name": "run_query", "arguments": json!({ "dataQueryID": id, "inputValues": inputs }).to_string() }]);
        let fixtures = json!([
            { "match": { "userMessage": "sales", "hasToolResult": false },
              "response": { "toolCalls": call(&shop.sales, &inputs) }, "chunkSize": 7 },
            { "match": { "userMessage": "sales", "hasToolResult": true },
              "response": { "content": ANSWER }, "chunkSize": 7, "latency": 5 },
            { "match": { "userMessage": "refund" },
              "response": { "toolCalls": call(&shop.refund, &json!({ "order": 7 })) } },
            { "match": { "userMessage": "hello" }, "response": { "content": "Hello to you." } },
        ]);
        aimock.tell(&json!({ "fixtures": fixtures }), "fixtures");
        let mut driver = Driver::start(KINDS[0]);
        shop.page(&mut driver, "bob", Via::Both);
        let room = enter(&mut driver, "bob", json!({ "stream": true }));
        assert_eq!(say(&mut driver, "bob", &room, json!("hello"))["text"], "Hello to you.");

        let told = say(&mut driver, "bob", &room, json!("Show me the sales of these days"));
        assert_eq!(told["text"], ANSWER, "{told}");
        assert_eq!(told["data"]["columns"], json!(["day", "total"]), "{told}");
        let days = told["data"]["rows"].as_array().unwrap();
        assert!(days.len() == 30 && days[0] == json!([from, 10]), "{told}");
        let pieces: Vec<Value> = events_of(&driver.seen, "bob", "ai_chat_bot_delta")
            .into_iter()
            .filter(|piece| piece["inReplyTo"] == told["inReplyTo"])
            .collect();
        assert!(pieces.len() > 2, "{pieces:?}");
        let grown: String = pieces.iter().filter_map(|piece| piece["text"].as_str()).collect();
        assert!(ANSWER.starts_with(&grown), "{grown}");

        // What changes something is proposed, and is done when he says so.
        let told = say(&mut driver, "bob", &room, json!("Please refund order 7"));
        assert_eq!(told["proposal"]["tool"], "run_query", "{told}");
        assert_eq!(shop.till.refunds(), 0);
        let done = act(&mut driver, "bob", &room, "approve", Some(&told["proposal"]["id"]));
        assert!(done["text"].as_str().unwrap().starts_with("Done"), "{done}");
        assert_eq!(shop.till.refunds_of(7), 1);

        let asked = aimock.tell(&json!({}), "asked");
        let bodies = asked["bodies"].as_array().unwrap();
        assert_eq!(bodies.len(), 4, "{asked}");
        let last = bodies[2]["messages"].as_array().unwrap().last().unwrap();
        assert_eq!(last["role"], "tool");
        assert!(last["content"].as_str().unwrap().contains(&from), "{last}");
    }
}
