//! Log lines: time, level, module, text, fields as `key=value`, on standard error.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    fmt::Write as _,
    io::Write as _,
    panic,
    sync::Once,
};

use log::kv::{Key, Value, VisitSource};

use crate::{clock, config::sections};

/// Sends `log` to standard error from now on; later calls change nothing.
pub fn init(settings: &sections::Log, longest_line: usize) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let sections::LogFormat::Text = settings.format;
        let clock = clock::Clock::real();
        let _ = env_logger::Builder::new()
            // Notices of the databases that tenants ask are none of the hub's news, whatever they say.
            .filter_module("tokio_postgres", log::LevelFilter::Warn)
            .parse_filters(&settings.level)
            // Some libraries write spans of `tracing` as lines of these targets: noise.
            .filter_module("tracing::span", log::LevelFilter::Off)
            // What a model endpoint answers is none of the log's business; `ai` says what went wrong.
            .filter_module("async_openai", log::LevelFilter::Off)
            .format(move |out, record| {
                let line = line(&clock::to_wire(clock.now()), record, longest_line);
                out.write_all(line.as_bytes())
            })
            .try_init();
    });
}

/// From now on a panic is one log line: where it was and what it said. The default hook writes several
/// lines past the logger, and what a panic says may hold what a client sent. `RUST_BACKTRACE` adds a
/// backtrace at debug.
pub(super) fn log_panics() {
    panic::set_hook(Box::new(|info| {
        let said = info.payload_as_str().unwrap_or("no words");
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("unnamed");
        log::error!(place = place.as_str(), thread; "panicked: {said}");
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            log::debug!("{backtrace}");
        }
    }));
}

/// One record as one line: what a client wrote can neither begin a new one nor reach a terminal.
fn line(at: &str, record: &log::Record<'_>, longest: usize) -> String {
    let mut out = format!("{at} {:<5} {} ", record.level(), record.target());
    let text = record.args().to_string();
    escape(&mut out, &text);
    let mut fields = Fields(&mut out);
    let _ = record.key_values().visit(&mut fields);
    if out.len() > longest {
        let mut end = longest.saturating_sub('…'.len_utf8());
        while !out.is_char_boundary(end) {
            end -= 1;
        }
        out.truncate(end);
        out.push('…');
    }
    out.push('\n');
    out
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        if c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            let _ = write!(out, "{}", c.escape_default());
        } else {
            out.push(c);
        }
    }
}

struct Fields<'o>(&'o mut String);

impl<'kvs> VisitSource<'kvs> for Fields<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), log::kv::Error> {
        self.0.push(' ');
        escape(self.0, key.as_str());
        self.0.push('=');
        let text = value.to_string();
        let plain = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "-_.:/+@%".contains(c));
        if plain {
            self.0.push_str(&text);
        } else {
            self.0.push('"');
            escape(self.0, &text.replace('\\', "\\\\").replace('"', "\\\""));
            self.0.push('"');
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_of(text: &str, fields: &[(&str, &str)], longest: usize) -> String {
        let args = format_args!("{text}");
        let record = log::Record::builder()
            .args(args)
            .level(log::Level::Info)
            .target("jethub::x")
            .key_values(&fields)
            .build();
        line("T", &record, longest)
    }

    #[test]
    fn fields_follow_the_text() {
        let said = line_of("run started", &[("run", "0198-a"), ("why", "a \"b\"")], 8192);
        assert_eq!(said, "T INFO  jethub::x run started run=0198-a why=\"a \\\"b\\\"\"\n");
    }

    #[test]
    fn a_client_cannot_forge_a_line_or_reach_the_terminal() {
        let said = line_of("a\nb\u{1b}[2J\u{202e}", &[("k", "x\r\ny=1")], 8192);
        assert_eq!(said.matches('\n').count(), 1);
        assert!(!said.trim_end().chars().any(char::is_control), "{said:?}");
        assert!(said.contains("k=\"x\\r\\ny=1\""), "{said:?}");
    }

    #[test]
    fn long_lines_are_cut() {
        let said = line_of(&"ä".repeat(1000), &[], 300);
        assert!(said.len() <= 301 && said.ends_with("…\n"), "{}", said.len());
    }
}
