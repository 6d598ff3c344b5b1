//! Runs the cases against a hub: as they are, with the run's actor rebuilt after each append, and some with `kill -9`.

use std::{collections::BTreeMap, time::Duration};

use diesel::{Connection as _, SqliteConnection, connection::SimpleConnection as _};
use serde_json::{Value, json};

use super::case::{Act, Case, all};
use crate::{
    datasource::bench::Postgres,
    harness::{
        Hub,
        driver::{Driver, Kind, Via},
        expect::eventually,
        hub::token,
    },
};

const W: &str = "/api/v1/tenants/acme/workflows";
const LONGEST: Duration = Duration::from_secs(20);
/// Most kills of one case, beside those for its acts.
const KILLS: usize = 5;

/// What saved queries of cases ask for.
const ORDERS: &str = "CREATE TABLE orders (id INT PRIMARY KEY, customer VARCHAR(20), amount DECIMAL(10,2)); \
                      INSERT INTO orders VALUES (1, 'Ann''s', 12.50), (2, 'Bob', 20), (3, NULL, NULL)";

struct Bench {
    hub: Hub,
    ann: String,
    /// Ids of data sources over the orders.
    sources: Vec<String>,
    _files: tempfile::TempDir,
    _postgres: Option<Postgres>,
}

impl Bench {
    fn start(settings: &[(&str, &str)]) -> Self {
        let files = tempfile::tempdir().unwrap();
        let file = SqliteConnection::establish(files.path().join("shop.db").to_str().unwrap());
        file.unwrap().batch_execute(ORDERS).unwrap();
        let mut settings = settings.to_vec();
        settings.push(("datasource.sqlite_dir", files.path().to_str().unwrap()));
        settings.push(("datasource.allow_loopback", "true"));
        let (hub, ann) = (Hub::with(&settings), token("ann", &[("acme", "ADMIN")], false));
        let postgres = Postgres::new(ORDERS);
        let mut sources = vec![("sqlite", json!({ "file": "shop.db" }))];
        sources.extend(postgres.iter().map(|database| ("postgresql", database.options())));
        let saved = |(kind, options): (&str, Value)| {
            let body =
                json!({ "datasourceTitle": kind, "datasourceType": kind, "datasourceOptions": options });
            let made = hub.post("/api/v1/tenants/acme/datasources", &ann, &body);
            made["datasource"]["datasourceID"].as_str().unwrap().to_owned()
        };
        let sources = sources.into_iter().map(saved).collect();
        Self { hub, ann, sources, _files: files, _postgres: postgres }
    }

    /// The databases on which a case is run; one that asks none is run once.
    fn databases(&self, case: &Case) -> Vec<&str> {
        let most = if case.queries.is_empty() { 1 } else { self.sources.len() };
        self.sources.iter().take(most).map(String::as_str).collect()
    }

    fn view(&self, run: &str) -> Value {
        self.hub.get(&format!("{W}/instances/{run}"), &self.ann)
    }

    /// Starts the run of a case; none when it was to be refused.
    fn begin(&self, case: &Case, source: &str) -> Result<Option<String>, Vec<String>> {
        let mut ids = BTreeMap::new();
        for (name, options) in &case.queries {
            let body = json!({ "dataQueryTitle": name, "datasourceID": source, "dataQueryOptions": options });
            let saved = self.hub.post("/api/v1/tenants/acme/dataqueries", &self.ann, &body);
            ids.insert(name.clone(), saved["dataQuery"]["dataQueryID"].as_str().unwrap().to_owned());
        }
        for (name, child) in &case.children {
            let saved = self.hub.post(W, &self.ann, &child.body(name, &ids));
            ids.insert(name.clone(), saved["workflow"]["workflowID"].as_str().unwrap().to_owned());
        }
        let body = case.graph.body(&case.name, &ids);
        let saved = self.hub.request("POST", W, Some(&self.ann), Some(&body)).json();
        let started = match saved["workflow"]["workflowID"].as_str() {
            Some(workflow) => {
                let (path, body) = (format!("{W}/{workflow}/execute"), json!({ "inputValues": case.inputs }));
                self.hub.request("POST", &path, Some(&self.ann), Some(&body)).json()
            }
            None => saved,
        };
        match (&case.refused, started["instanceID"].as_str()) {
            (Some(code), None) if started["error"]["code"] == json!(code) => Ok(None),
            (None, Some(run)) => Ok(Some(run.to_owned())),
            _ => Err(vec![format!("a start was answered with {started}")]),
        }
    }

    fn ended(&self, case: &Case, run: &str) -> Value {
        eventually(&format!("{} ends", case.name), LONGEST, || {
            let view = self.view(run);
            is_over(&view).then_some(view)
        })
    }

    /// Runs a case. What is wrong.
    fn run(&self, case: &Case) -> Vec<String> {
        self.databases(case).into_iter().flat_map(|source| self.run_on(case, source)).collect()
    }

    fn run_on(&self, case: &Case, source: &str) -> Vec<String> {
        let run = match self.begin(case, source) {
            Ok(Some(run)) => run,
            Ok(None) => return Vec::new(),
            Err(wrong) => return wrong,
        };
        let view = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            case.script.iter().for_each(|act| self.act(&run, act));
            self.ended(case, &run)
        }));
        match view {
            Ok(view) => {
                let mut wrong = judge(case, &view);
                if let Some(wanted) = &case.frames {
                    let told = self.told(case, &run);
                    let (told, wanted) = (in_order(&told, wanted), in_order(&words(wanted), wanted));
                    if told != wanted {
                        wrong.push(format!("frames are {told:?}, not {wanted:?}"));
                    }
                }
                wrong
            }
            Err(_) => vec![format!("it did not go on: {}", self.view(&run))],
        }
    }

    /// Runs a case on a hub that is killed when the run has begun, after each act, and at new rows.
    fn run_killed(&mut self, case: &Case) -> Vec<String> {
        let run = match self.begin(case, &self.sources[0]) {
            Ok(Some(run)) => run,
            Ok(None) => return Vec::new(),
            Err(wrong) => return wrong,
        };
        for act in &case.script {
            assert!(self.hub.again(&[]), "the hub starts again");
            self.act(&run, act);
        }
        let mut seen = 0;
        for _ in 0..KILLS {
            assert!(self.hub.again(&[]), "the hub starts again");
            let view = eventually("a new row", LONGEST, || {
                let view = self.view(&run);
                (is_over(&view) || view["seq"].as_i64() > Some(seen)).then_some(view)
            });
            if is_over(&view) {
                break;
            }
            seen = view["seq"].as_i64().unwrap_or_default();
        }
        judge(case, &self.ended(case, &run))
    }

    /// What a socket.io client is told of the run from its first row on.
    fn told(&self, case: &Case, run: &str) -> Vec<String> {
        let mut driver = Driver::start(Kind::Node("4.8"));
        let url = format!("http://{}", self.hub.address);
        driver.connect("page", &url, Via::Both, json!({ "token": self.ann }), json!({}));
        driver.happens("page", "connect");
        let join = json!([{ "runId": run, "since": 0, "progress": case.progress }]);
        let ack = driver.ask("page", "workflow_run_join", join);
        assert_eq!(ack[0]["ok"], true, "{ack}");
        driver.wait("the end", |seen| {
            seen.iter().any(|line| line["event"] == "workflow_status_update").then_some(())
        });
        driver.seen.iter().filter(|line| line["what"] == "event").filter_map(frame).collect()
    }

    /// The request that a node has open.
    fn open(&self, run: &str, node: &str) -> Value {
        eventually(&format!("{node} asks"), LONGEST, || {
            let view = self.view(run);
            let mut open = view["pendingRequests"].as_array()?.iter();
            open.find(|request| request["nodeID"] == json!(node)).cloned()
        })
    }

    fn act(&self, run: &str, act: &Act) {
        match act {
            Act::Asked { node, config, expires } => {
                let open = self.open(run, node);
                for (name, wanted) in config {
                    assert_eq!(&open["collectionConfig"][name], wanted, "{name} of {open}");
                }
                assert_eq!(open["expiresAt"].is_string(), *expires, "{open}");
            }
            Act::TooLate { node, refused } => {
                let request = self.open(run, node)["collectionRequestID"].as_str().unwrap().to_owned();
                let path = format!("/api/v1/tenants/acme/workflows/data-collection/{request}");
                eventually("it expires", LONGEST, || {
                    (self.hub.get(&path, &self.ann)["request"]["status"] == "EXPIRED").then_some(())
                });
                let body = json!({ "submittedData": { "decision": "approve" } });
                let late = self.hub.request("POST", &format!("{path}/submit"), Some(&self.ann), Some(&body));
                assert_eq!(late.json()["error"]["code"], json!(refused), "{}", late.text());
            }
            Act::StopAt(node) => {
                eventually(&format!("{node} waits"), LONGEST, || {
                    let rows = rows(&self.view(run));
                    rows.iter().any(|row| row.starts_with(&format!("{node} suspended"))).then_some(())
                });
                let stop = format!("{W}/instances/{run}/stop");
                let _ = self.hub.request("DELETE", &stop, Some(&self.ann), None);
            }
            Act::Submit { node, data, refused } => {
                let request = self.open(run, node)["collectionRequestID"].as_str().unwrap().to_owned();
                let path = format!("{W}/data-collection/{request}/submit");
                let body = json!({ "submittedData": data });
                let answer = eventually("an answer", LONGEST, || {
                    let answer = self.hub.request("POST", &path, Some(&self.ann), Some(&body)).json();
                    // Its actor is just being rebuilt.
                    (answer["error"]["code"] != "RUN_LOST").then_some(answer)
                });
                match refused {
                    Some(code) => assert_eq!(answer["error"]["code"], json!(code), "{answer}"),
                    None => assert_eq!(answer["success"], true, "{answer}"),
                }
            }
        }
    }
}

fn is_over(view: &Value) -> bool {
    !matches!(view["status"].as_str(), Some("RUNNING" | "PENDING"))
}

/// `node word#iteration` of each row of a node that ended or waits.
fn rows(view: &Value) -> Vec<String> {
    let logs = view["logs"].as_array().cloned().unwrap_or_default();
    let told = logs.iter().filter(|row| row["nodeID"].is_string());
    told.filter_map(|row| {
        let word = match row["eventType"].as_str()? {
            "NODE_COMPLETED" => "success",
            "NODE_FAILED" => "failed",
            "NODE_SUSPENDED" => "suspended",
            _ => return None,
        };
        let iteration = row["iteration"].as_u64().map(|at| format!("#{at}")).unwrap_or_default();
        Some(format!("{} {word}{iteration}", row["nodeID"].as_str()?))
    })
    .collect()
}

/// `node word#iteration` of an event of a run, `node asks`, or the status at its end.
fn frame(line: &Value) -> Option<String> {
    let body = &line["args"][0];
    let node = body["nodeID"].as_str().unwrap_or_default();
    match line["event"].as_str()? {
        "workflow_node_update" => {
            let iteration = body["iteration"].as_u64().map(|at| format!("#{at}")).unwrap_or_default();
            Some(format!("{node} {}{iteration}", body["status"].as_str()?))
        }
        "workflow_data_collection_request" => Some(format!("{node} asks")),
        "workflow_status_update" => body["status"].as_str().map(str::to_owned),
        _ => None,
    }
}

/// The words without the marks between them.
fn words(like: &[String]) -> Vec<String> {
    like.iter().filter(|word| *word != "[" && *word != "]").cloned().collect()
}

/// Rows between `[` and `]` in the order of their words.
fn in_order(rows: &[String], like: &[String]) -> Vec<String> {
    let mut rows = rows.to_vec();
    let (mut at, mut open) = (0, None);
    for word in like {
        match word.as_str() {
            "[" => open = Some(at),
            "]" => {
                let from: usize = open.take().unwrap_or(at);
                let end = at.min(rows.len());
                if let Some(part) = rows.get_mut(from..end) {
                    part.sort();
                }
            }
            _ => at += 1,
        }
    }
    rows
}

fn judge(case: &Case, view: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut hold = |what: &str, is: &Value, wanted: Value| {
        if *is != wanted {
            wrong.push(format!("{what} is {is}, not {wanted}"));
        }
    };
    let wanted = words(&case.events);
    let (is, wanted) = (in_order(&rows(view), &case.events), in_order(&wanted, &case.events));
    hold("events", &json!(is), json!(wanted));
    hold("status", &view["status"], json!(case.status));
    hold("output", &view["output"], case.output.clone());
    for (name, value) in &case.context {
        hold(&format!("context.{name}"), &view["contextData"][name], value.clone());
    }
    if let Some(code) = &case.code {
        hold("errorCode", &view["errorCode"], json!(code));
    }
    if let Some(part) = &case.error
        && !view["error"].as_str().is_some_and(|error| error.contains(part))
    {
        wrong.push(format!("error is {}, without {part:?}", view["error"]));
    }
    wrong
}

fn assert_none(wrong: Vec<(&Case, Vec<String>)>) {
    let told = |(case, wrong): (&Case, Vec<String>)| {
        (!wrong.is_empty()).then(|| format!("{} ({})\n  {}", case.name, case.rule, wrong.join("\n  ")))
    };
    let wrong: Vec<String> = wrong.into_iter().filter_map(told).collect();
    assert!(wrong.is_empty(), "{} cases fail:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_case_holds() {
    let (bench, cases) = (Bench::start(&[]), all());
    assert_none(cases.iter().map(|case| (case, bench.run(case))).collect());
}

/// The actor panics after each append, before it carries anything out: the next one goes on from the
/// journal. Rows of one append are in the journal together or not at all.
#[cfg(feature = "failpoints")]
#[test]
fn every_case_holds_with_an_actor_that_is_rebuilt_after_each_append() {
    let settings = [("FAILPOINTS", "run.committed=panic"), ("supervise.restart_intensity", "100000/10s")];
    let (bench, cases) = (Bench::start(&settings), all());
    assert_none(cases.iter().map(|case| (case, bench.run(case))).collect());
    let panics = bench.hub.log().matches("run.committed").count();
    // Whatever died when: no place of the tenant's is kept by a run that has ended.
    eventually("every place is free", LONGEST, || {
        let queue = bench.hub.get(&format!("{W}/queue"), &bench.ann);
        (queue["active"] == 0).then_some(())
    });
    println!("rebuilt {panics} times over {} cases", cases.len());
    assert!(panics > cases.len() || cases.len() < 100, "it was rebuilt {panics} times only");
}

#[test]
fn cases_hold_on_a_hub_that_is_killed() {
    let (mut bench, cases) = (Bench::start(&[]), all());
    let killed = cases.iter().filter(|case| case.kill);
    assert_none(killed.map(|case| (case, bench.run_killed(case))).collect());
}
