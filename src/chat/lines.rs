//! Rows as text, for pages that show nothing but `text`. Pure.

use std::borrow::Cow;

use serde_json::Value;

use super::room::BotMessage;
use crate::protocol::events::ChatTable;

/// Most rows in a text; `data` has them all.
const ROWS: usize = 10;
/// Most columns in a text.
const COLUMNS: usize = 8;
/// Most characters of a cell in a text.
const CELL: usize = 40;
/// A cell that the words have already, if it is as long as this, is not said again with its rows.
const SAID: usize = 16;

/// What a page shows of a message: the words, and the first rows behind them. A model speaks for itself.
///
/// Only what is sent and shown has the rows in it. What an assistant is given of the history keeps words
/// and rows apart (`faults.md` A62).
pub fn shown(told: &BotMessage) -> Cow<'_, str> {
    match &told.data {
        Some(table) if told.tokens == 0 && !table.rows.is_empty() && !is_said(&told.text, table) => {
            Cow::Owned(format!("{}\n{}", told.text.trim_end(), lines(table)))
        }
        _ => Cow::Borrowed(&told.text),
    }
}

fn is_said(words: &str, table: &ChatTable) -> bool {
    let first = table.rows.first().and_then(|row| row.last()).and_then(Value::as_str);
    first.is_some_and(|cell| cell.len() >= SAID && words.contains(cell))
}

fn lines(table: &ChatTable) -> String {
    let line = |cells: Vec<String>| cells.join(" | ");
    let mut out = line(table.columns.iter().take(COLUMNS).map(|name| plain(name)).collect());
    for row in table.rows.iter().take(ROWS) {
        let cells = row.iter().take(COLUMNS).map(|cell| match cell {
            Value::String(text) => plain(text),
            Value::Null => String::new(),
            other => plain(&other.to_string()),
        });
        out.push('\n');
        out.push_str(&line(cells.collect()));
    }
    let more = table.rows.len().saturating_sub(ROWS);
    if more > 0 {
        out.push_str(&format!("\n… {more} more"));
    }
    out
}

/// A cell in one short line. Some pages make markup of a text: what a tag, a link or an image begins with is
/// none here (`faults.md` A64).
fn plain(cell: &str) -> String {
    let mut out = String::new();
    for (at, letter) in cell.chars().enumerate() {
        if at == CELL {
            out.push('…');
            break;
        }
        out.push(match letter {
            '<' => '‹',
            '>' => '›',
            '[' => '(',
            ']' => ')',
            '`' => '\'',
            '|' => '¦',
            letter if letter.is_whitespace() => ' ',
            letter => letter,
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{chat::room::Ended, ids::MessageId};

    fn told(text: &str, tokens: u64, columns: &[&str], rows: Value) -> BotMessage {
        let rows = serde_json::from_value(rows).unwrap();
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        BotMessage {
            message: MessageId::trusted("m2"),
            in_reply_to: MessageId::trusted("m1"),
            text: text.to_owned(),
            proposal: None,
            data: Some(ChatTable { columns, rows, truncated: false }),
            run: None,
            ended: Ended::Ok,
            error_code: None,
            partial: false,
            tokens,
            at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_first_rows_are_in_the_text() {
        let table = told("Two rows.", 0, &["day", "sum"], json!([["2026-11-01", 1.5], [null, true]]));
        assert_eq!(shown(&table), "Two rows.\nday | sum\n2026-11-01 | 1.5\n | true");
        let many: Vec<Value> = (0..25).map(|n| json!([n])).collect();
        let table = told("All.", 0, &["n"], json!(many));
        assert!(shown(&table).ends_with("\n9\n… 15 more"), "{}", shown(&table));
    }

    #[test]
    fn words_stay_alone() {
        let statement = "UPDATE products SET cents = ?1";
        let table = told(
            &format!("It would run {statement}."),
            0,
            &["name", "value"],
            json!([["statement", statement]]),
        );
        assert_eq!(shown(&table), table.text);
        let table = told("A model's words.", 7, &["n"], json!([[1]]));
        assert_eq!(shown(&table), table.text);
        assert_eq!(shown(&told("No rows.", 0, &["n"], json!([]))), "No rows.");
    }

    #[test]
    fn a_cell_is_no_markup() {
        let cell = "<img src=x>![a](http://x) `b`\n| \u{85}c".to_owned() + &"ä".repeat(50);
        let table = told("One row.", 0, &["<b>"], json!([[cell]]));
        let text = shown(&table).into_owned();
        assert!(!text.contains(['<', '>', '[', ']', '`']), "{text}");
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.ends_with('…'), "{text}");
    }
}
