//! The results as tables: figures, then the targets of the issue with what was seen.

use std::fs;

use serde_json::Value;

struct Results(Vec<Value>);

impl Results {
    /// The last line with these members.
    fn line(&self, members: &[(&str, &str)]) -> Option<&Value> {
        let is = |line: &Value, name: &str, wanted: &str| match &line[name] {
            Value::String(text) => text == wanted,
            other => serde_json::from_str(wanted).is_ok_and(|wanted: Value| wanted == *other),
        };
        self.0.iter().rev().find(|line| members.iter().all(|(name, wanted)| is(line, name, wanted)))
    }
    fn runs(&self, db: &str, shape: &str, inflight: &str) -> Option<&Value> {
        self.line(&[("mode", "runs"), ("db", db), ("shape", shape), ("inflight", inflight)])
    }
    fn peer(&self, name: &str, figure: &str) -> Option<f64> {
        self.line(&[("mode", "peer"), ("peer", name)])?[figure].as_f64()
    }
}

fn number(line: Option<&Value>, path: &str) -> Option<f64> {
    path.split('.').try_fold(line?, |value, name| value.get(name))?.as_f64()
}

fn show(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value.abs() >= 1000.0 => format!("{value:.0}"),
        Some(value) if value.abs() >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
}

enum Wanted {
    AtLeast(f64),
    AtMost(f64),
}

struct Target<'a> {
    what: String,
    wanted: Wanted,
    unit: &'a str,
    seen: Option<f64>,
    of: String,
}

pub fn print(files: &[String]) {
    let text: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let results = Results(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect());
    figures(&results);
    let mut missed = 0;
    println!("\n| target | wanted | seen | of | |\n|---|---|---|---|---|");
    for Target { what, wanted, unit, seen, of } in targets(&results) {
        let (sign, bound) = match wanted {
            Wanted::AtLeast(bound) => (">=", bound),
            Wanted::AtMost(bound) => ("<=", bound),
        };
        let holds = seen.map(|seen| if sign == ">=" { seen >= bound } else { seen <= bound });
        missed += usize::from(holds == Some(false));
        let verdict = match holds {
            Some(true) => "pass",
            Some(false) => "MISSED",
            None => "not measured",
        };
        println!("| {what} | {sign} {bound}{unit} | {}{unit} | {of} | {verdict} |", show(seen));
    }
    println!("\n{missed} missed");
}

fn figures(results: &Results) {
    println!("| peer | a step alone, ms | 100 at once, steps/s |\n|---|---|---|");
    for name in ["restate", "dbos"] {
        let of = |figure| show(results.peer(name, figure));
        println!("| {name} | {} | {} |", of("alone_ms"), of("steps_per_s"));
    }
    println!(
        "\n| store | shape | at once | steps/s | a run, ms p50 / p99 | a step, ms p50 / p99 | rows | commits | bytes | CPU us a step: hub, scripts, database |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for line in results.0.iter().filter(|line| line["mode"] == "runs") {
        let of = |path| show(number(Some(line), path));
        println!(
            "| {} | {} | {} | {} | {} / {} | {} / {} | {} | {} | {} | {}, {}, {} |",
            line["db"].as_str().unwrap_or_default(),
            line["shape"].as_str().unwrap_or_default(),
            line["inflight"],
            of("steps_per_s"),
            of("run_ms.p50"),
            of("run_ms.p99"),
            of("step_ms.p50"),
            of("step_ms.p99"),
            of("rows_a_step"),
            of("commits_a_step"),
            of("bytes_a_step"),
            of("cpu_us_a_step.hub"),
            of("cpu_us_a_step.scripts"),
            of("cpu_us_a_step.database"),
        );
    }
}

fn targets(results: &Results) -> Vec<Target<'static>> {
    let mut targets = Vec::new();
    let mut add = |what: String, wanted, unit, seen: Option<f64>, of: String| {
        targets.push(Target { what, wanted, unit, seen, of });
    };
    let ratio = |a: Option<f64>, b: Option<f64>| Some(a? / b?);
    let at_once = |peer| results.peer(peer, "steps_per_s");
    for db in ["postgresql", "sqlite"] {
        let (js, plain) = (results.runs(db, "js", "100"), results.runs(db, "plain", "100"));
        let (js, plain) = (number(js, "steps_per_s"), number(plain, "steps_per_s"));
        for (shape, seen, peer, least) in [
            ("javascript", js, "restate", 1.2),
            ("javascript", js, "dbos", 3.0),
            ("no script", plain, "restate", 3.0),
        ] {
            let of = format!("{} and {} steps/s", show(seen), show(at_once(peer)));
            let what = format!("{db}: 100 runs at once, {shape}, to {peer}'s");
            add(what, Wanted::AtLeast(least), " x", ratio(seen, at_once(peer)), of);
        }
        let alone = |shape| {
            let line = results.runs(db, shape, "1");
            ratio(number(line, "run_ms.p50"), number(line, "steps"))
        };
        let restate = results.peer("restate", "alone_ms");
        let of = format!("{} and {} ms", show(alone("js")), show(restate));
        let what = format!("{db}: a step of a lone run, javascript, to restate's");
        add(what, Wanted::AtMost(0.8), " x", ratio(alone("js"), restate), of);
        let commit = number(results.line(&[("mode", "commit"), ("db", db)]), "ms");
        let of = format!("{} and {} ms", show(alone("plain")), show(commit));
        let what = format!("{db}: a step of a lone run, no script, to one small commit");
        add(what, Wanted::AtMost(2.5), " x", ratio(alone("plain"), commit), of);
        let line = results.runs(db, "js", "1");
        let commits = number(line, "commits_a_step").zip(number(line, "steps"));
        // The start is a commit of its own.
        let seen = commits.map(|(commits, steps)| commits - 1.0 / steps);
        let what = format!("{db}: commits a step in a lone chain");
        add(
            what,
            Wanted::AtMost(1.0),
            "",
            seen.map(|seen| (seen * 1000.0).round() / 1000.0),
            "beside the start's".to_owned(),
        );
        let line = results.line(&[("mode", "recovered"), ("db", db)]);
        let of = format!("{} of {} runs ended", show(number(line, "seen")), show(number(line, "runs")));
        let unfinished = "10 000 unfinished runs after kill -9";
        add(
            format!("{db}: {unfinished}, first event"),
            Wanted::AtMost(2.0),
            " s",
            number(line, "first_s"),
            of.clone(),
        );
        let whole = number(line, "seen") >= number(line, "runs");
        let all = number(line, "all_s").filter(|_| whole);
        add(format!("{db}: {unfinished}, all dispatched (and ended)"), Wanted::AtMost(10.0), " s", all, of);
    }
    let line = results.line(&[("mode", "fill"), ("shape", "nap")]);
    let of = format!("{} actors", show(number(line, "actors")));
    let seen = number(line, "bytes_a_resident_run").map(|bytes| bytes / 1024.0);
    add("memory of a waiting run that is kept".to_owned(), Wanted::AtMost(8.0), " KB", seen, of);
    let line = results.line(&[("mode", "fill"), ("shape", "delay"), ("part", "memory")]);
    let of = format!(
        "{} waiting runs, {} KB in all",
        show(number(line, "unfinished")),
        show(number(line, "bytes").map(|bytes| bytes / 1024.0))
    );
    add(
        "actors of waiting runs (0 = all passivated)".to_owned(),
        Wanted::AtMost(0.0),
        "",
        number(line, "actors"),
        of,
    );
    targets
}
