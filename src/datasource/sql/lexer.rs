//! A statement in pieces: where its templates stand, and what else is in it. It knows texts, names
//! and comments of each database, and so whether a template stands where a value can stand.

use crate::datasource::Problem;

/// Whose SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::datasource) enum Dialect {
    Postgres,
    MySql,
    Sqlite,
}

/// A part of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Text(&'a str),
    /// `{{name}}`, and the words before it.
    Template {
        name: &'a str,
        place: Place,
    },
}

/// Where a template stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A value may stand here.
    Value,
    /// Only the name of a table or column may.
    Name,
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Lexed<'a> {
    pub pieces: Vec<Piece<'a>>,
    /// Words and quoted names, upper case, in order; their number is bounded by the text.
    pub words: Vec<String>,
    pub problems: Vec<Problem>,
}

/// Reads a statement.
pub(super) fn lex(dialect: Dialect, text: &str) -> Lexed<'_> {
    let mut lexer = Lexer { dialect, text, at: 0, begun: 0, out: Lexed::default(), open: Vec::new() };
    lexer.run();
    lexer.out
}

struct Lexer<'a> {
    dialect: Dialect,
    text: &'a str,
    at: usize,
    /// Where the piece of text that is not yet pushed begins.
    begun: usize,
    out: Lexed<'a>,
    /// The word before each open parenthesis.
    open: Vec<Option<String>>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn before(&self) -> Option<char> {
        self.text.get(..self.at).and_then(|text| text.chars().next_back())
    }

    fn problem(&mut self, code: &'static str, message: impl Into<String>, hint: &str) {
        let problem =
            Problem { path: "query".to_owned(), code, message: message.into(), hint: hint.to_owned() };
        if !self.out.problems.contains(&problem) {
            self.out.problems.push(problem);
        }
    }

    fn run(&mut self) {
        while let Some(c) = self.peek() {
            if self.rest().starts_with("{{") {
                self.template();
            } else if let Some(length) = self.comment() {
                self.at += length;
            } else if let Some((open, close)) = self.quote(c) {
                self.quoted(open, close);
            } else if is_word(c) {
                self.word();
            } else {
                self.sign(c);
            }
        }
        self.push_text(self.at);
    }

    fn push_text(&mut self, end: usize) {
        if let Some(piece) = self.text.get(self.begun..end).filter(|piece| !piece.is_empty()) {
            self.out.pieces.push(Piece::Text(piece));
        }
        self.begun = end;
    }

    fn template(&mut self) {
        let Some(end) = self.rest().find("}}") else {
            self.problem("template", "{{ has no }}", "write {{name}}, where name is an input of the query");
            self.at = self.text.len();
            return;
        };
        let name = self.rest().get(2..end).unwrap_or_default().trim();
        let valid = name.chars().all(is_word) && name.chars().next().is_some_and(|c| !c.is_ascii_digit());
        if !valid {
            let message = format!("{{{{{}}}}} is not the name of an input", shorten(name));
            let hint = "a query sees its own inputs only: declare one in inputDefinitions and write {{name}}";
            self.problem("template", message, hint);
        }
        let after = self.rest().get(end + 2..).and_then(|rest| rest.chars().next());
        if self.before().is_some_and(is_word) || after.is_some_and(is_word) {
            let message = format!("{{{{{name}}}}} is glued to a word");
            self.problem("template_in_name", message, "put a space, or list the names under identifiers");
        }
        let qualifies = after == Some('.');
        let place = if qualifies || self.at_a_name() { Place::Name } else { Place::Value };
        self.push_text(self.at);
        if valid {
            self.out.pieces.push(Piece::Template { name, place });
        }
        self.at += end + 2;
        self.begun = self.at;
        // It is a word of its own: what follows is not behind FROM any more.
        self.out.words.push(String::new());
    }

    /// Whether what comes next can only be a name: behind FROM, behind a full stop.
    fn at_a_name(&self) -> bool {
        let before = self.text.get(..self.at).unwrap_or_default().trim_end();
        if before.ends_with('.') {
            return true;
        }
        // A sign between the last word and here: `FROM (`, `BY a,`.
        if !before.ends_with(is_word) {
            return false;
        }
        let mut words = self.out.words.iter().rev().map(String::as_str);
        let (last, earlier) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        match last {
            "JOIN" | "INTO" | "TABLE" | "UPDATE" => true,
            "BY" => matches!(earlier, "ORDER" | "GROUP" | "PARTITION"),
            "FROM" => {
                let within = self.open.last().and_then(Option::as_deref).unwrap_or_default();
                let of_function =
                    matches!(within, "EXTRACT" | "SUBSTRING" | "TRIM" | "OVERLAY" | "POSITION" | "SUBSTR");
                earlier != "DISTINCT" && !of_function
            }
            _ => false,
        }
    }

    /// Length of the comment that begins here. A template in it would be sent as text.
    fn comment(&mut self) -> Option<usize> {
        let rest = self.rest();
        let mysql = self.dialect == Dialect::MySql;
        let second = rest.get(2..).and_then(|rest| rest.chars().next());
        let length = if rest.starts_with("--") && (!mysql || second.is_none_or(char::is_whitespace))
            || (mysql && rest.starts_with('#'))
        {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            if mysql && (rest.starts_with("/*!") || rest.starts_with("/*M!")) {
                let message = "/*! … */ is executed by the server";
                self.problem("executable_comment", message, "write it out");
            }
            self.block_comment(rest)
        } else {
            return None;
        };
        if rest.get(..length).is_some_and(|comment| comment.contains("{{")) {
            self.problem(
                "template_in_comment",
                "a template stands in a comment",
                "take it out of the comment",
            );
        }
        Some(length)
    }

    fn block_comment(&mut self, rest: &str) -> usize {
        let nested = self.dialect == Dialect::Postgres;
        let (mut depth, mut at) = (0_usize, 0);
        while let Some(here) = rest.get(at..).filter(|here| !here.is_empty()) {
            if here.starts_with("/*") && (nested || depth == 0) {
                depth += 1;
                at += 2;
            } else if here.starts_with("*/") {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            } else {
                at += here.chars().next().map_or(1, char::len_utf8);
            }
        }
        self.problem("unfinished", "a comment has no end", "close it with */");
        rest.len()
    }

    /// What opens a quotation here and what closes it.
    fn quote(&self, c: char) -> Option<(&'a str, String)> {
        let rest = self.rest();
        let first = rest.get(..c.len_utf8())?;
        match (c, self.dialect) {
            ('\'' | '"', _) => Some((first, c.to_string())),
            ('`', Dialect::MySql | Dialect::Sqlite) => Some((first, "`".to_owned())),
            ('[', Dialect::Sqlite) => Some((first, "]".to_owned())),
            ('$', Dialect::Postgres) => {
                let inner = rest.get(1..)?;
                let end = inner.find('$')?;
                let tag = inner.get(..end)?;
                let named = tag.chars().all(is_word) && !tag.starts_with(|c: char| c.is_ascii_digit());
                let whole = rest.get(..end + 2)?;
                named.then(|| (whole, whole.to_owned()))
            }
            _ => None,
        }
    }

    fn quoted(&mut self, open: &str, close: String) {
        let is_text =
            open == "'" || open.starts_with('$') || (open == "\"" && self.dialect == Dialect::MySql);
        let escapes = match self.dialect {
            Dialect::MySql => open == "'" || open == "\"",
            // E'…', where E is a word of its own.
            Dialect::Postgres => {
                open == "'"
                    && self.before().is_some_and(|c| c == 'e' || c == 'E')
                    && self.out.words.last().is_some_and(|word| word == "E")
            }
            Dialect::Sqlite => false,
        };
        let rest = self.rest();
        let doubled = close.repeat(2);
        let mut at = open.len();
        let end = loop {
            let Some(here) = rest.get(at..).filter(|here| !here.is_empty()) else { break None };
            if escapes && here.starts_with('\\') {
                at += 1 + here.chars().nth(1).map_or(0, char::len_utf8);
            } else if !open.starts_with('$') && open != "[" && here.starts_with(&doubled) {
                at += doubled.len();
            } else if here.starts_with(&close) {
                break Some(at);
            } else {
                at += here.chars().next().map_or(1, char::len_utf8);
            }
        };
        let Some(end) = end else {
            self.problem("unfinished", format!("{open} has no end"), "close the quotation");
            self.at = self.text.len();
            return;
        };
        let inside = rest.get(open.len()..end).unwrap_or_default();
        if inside.contains("{{") {
            if is_text {
                let hint = match self.dialect {
                    Dialect::MySql => "take the quotes away; join texts with CONCAT('%', {{name}}, '%')",
                    _ => "take the quotes away; join texts with '%' || {{name}} || '%'",
                };
                self.problem("template_in_text", "a template stands inside a quoted text", hint);
            } else {
                let hint = "names come from the list identifiers of the query: identifiers: { \"name\": [\"a\", \"b\"] }, without quotes around the template";
                self.problem("template_as_name", "a template stands inside a quoted name", hint);
            }
        }
        if !is_text {
            self.out.words.push(inside.to_ascii_uppercase());
        }
        self.at += end + close.len();
    }

    fn word(&mut self) {
        let rest = self.rest();
        // `$` is part of a name, but does not begin one.
        let end = rest.find(|c: char| !is_word(c) && c != '$').unwrap_or(rest.len());
        self.out.words.push(rest.get(..end).unwrap_or_default().to_ascii_uppercase());
        self.at += end;
    }

    fn sign(&mut self, c: char) {
        let next = self.rest().chars().nth(1);
        let named = next.is_some_and(|next| is_word(next) && !next.is_ascii_digit());
        let numbered = next.is_some_and(|next| next.is_ascii_digit());
        let placeholder = match (self.dialect, c) {
            (Dialect::Postgres, '$') => numbered,
            (Dialect::MySql | Dialect::Sqlite, '?') => true,
            (Dialect::Sqlite, '@' | '$') => named || numbered,
            (Dialect::Sqlite | Dialect::MySql, ':') => named || numbered,
            _ => false,
        };
        match c {
            _ if placeholder => {
                let message = format!("{c} is a placeholder of the database");
                self.problem("placeholder", message, "write {{name}}: the hub numbers the parameters itself");
            }
            '\0' => self.problem("unfinished", "the statement has a NUL character", "take it out"),
            '(' => {
                let before = self.text.get(..self.at).unwrap_or_default().trim_end();
                let word = before.ends_with(is_word).then(|| self.out.words.last().cloned()).flatten();
                self.open.push(word);
            }
            ')' => drop(self.open.pop()),
            ';' => return self.end_of_statement(),
            _ => {}
        }
        self.at += c.len_utf8();
    }

    /// Only white space and comments may follow; the sign itself is not sent.
    fn end_of_statement(&mut self) {
        self.push_text(self.at);
        self.at += 1;
        loop {
            if let Some(length) = self.comment() {
                self.at += length;
            } else if self.peek().is_some_and(|c| c.is_whitespace() || c == ';') {
                self.at += self.peek().map_or(1, char::len_utf8);
            } else {
                break;
            }
        }
        if self.peek().is_some() {
            self.problem("several_statements", "there is more than one statement", "make a query of each");
        }
        self.at = self.text.len();
        self.begun = self.at;
    }
}

/// Part of a name.
fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= 40 { text.to_owned() } else { text.chars().take(40).chain(['…']).collect() }
}
