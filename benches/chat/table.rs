//! The results as tables.

use std::fs;

use serde_json::Value;

fn show(value: &Value) -> String {
    match value.as_f64() {
        None => "-".to_owned(),
        Some(value) if value.abs() >= 100.0 => format!("{value:.0}"),
        Some(value) if value.abs() >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
}

pub fn print(files: &[String]) {
    let text: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let lines: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let of = |mode: &'static str| lines.iter().filter(move |line| line["mode"] == mode);
    println!(
        "| store | load | said | turns/s | ms p50 | p99 | accepted ms p50 | p99 | with a table | CPU us a turn: hub, database, load |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for mode in ["alone", "kind", "closed", "quiet", "stuck", "slow", "broad", "cold", "tenant"] {
        for line in of(mode) {
            let (accepted, cpu) = (&line["accepted_ms"], &line["cpu_us_a_turn"]);
            let load = line["at_once"].as_u64().map_or(mode.to_owned(), |count| format!("{count} at once"));
            let tables: u64 = line["by"]
                .as_object()
                .into_iter()
                .flat_map(|by| by.values())
                .filter_map(|kind| kind["with_rows"].as_u64())
                .sum();
            println!(
                "| {} | {load} | {} | {} | {} | {} | {} | {} | {tables} of {} | {}, {}, {} |",
                line["db"].as_str().unwrap_or_default(),
                line["says"].as_str().unwrap_or_default(),
                show(&line["turns_per_s"]),
                show(&line["ms"]["p50"]),
                show(&line["ms"]["p99"]),
                show(&accepted["p50"]),
                show(&accepted["p99"]),
                show(&line["turns"]),
                show(&cpu["hub"]),
                show(&cpu["database"]),
                show(&cpu["load"]),
            );
        }
    }
    println!(
        "\n| store | rooms | bytes a socket | a room | with its first turn | first question, ms | entries made a second |"
    );
    println!("|---|---|---|---|---|---|---|");
    for line in of("memory") {
        let beside = |mode| of(mode).find(|other| other["db"] == line["db"]).unwrap_or(&Value::Null);
        println!(
            "| {} | {} | {} | {} | {} | {} | {} |",
            line["db"].as_str().unwrap_or_default(),
            show(&line["actors"]),
            show(&line["socket"]),
            show(&line["room"]),
            show(&line["room_with_a_turn"]),
            show(&beside("first")["ms"]),
            show(&beside("seed")["entries_per_s"]),
        );
    }
    println!(
        "\n| store | disturbed by | p50 and p99 of the others, by those of the quiet runs (medians) |\n|---|---|---|"
    );
    for db in ["sqlite", "postgresql"] {
        for (mode, what) in [
            ("stuck", "a turn whose model never answers"),
            ("tenant", "a tenant of such rooms"),
            ("slow", "a room whose query counts for seconds"),
            ("broad", "a room whose words are in every entry"),
            ("cold", "another tenant whose catalogue is read again for each of its turns"),
        ] {
            let all = |mode: &str, part: &str| {
                let lines = lines.iter().filter(|line| line["db"] == db && line["mode"] == mode);
                median(lines.filter_map(|line| line["ms"][part].as_f64()).collect())
            };
            let ratio = |part: &str| all(mode, part) / all("quiet", part);
            if ratio("p99") > 0.0 {
                println!("| {db} | {what} | {:.2}, {:.2} |", ratio("p50"), ratio("p99"));
            }
        }
    }
    for line in of("end") {
        println!("\n{}: {} turns without an answer", line["db"].as_str().unwrap_or_default(), line["lost"]);
    }
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    let middle = |at: usize| all.get(at).copied().unwrap_or_default();
    f64::midpoint(middle(all.len() / 2), middle(all.len().saturating_sub(1) / 2))
}
