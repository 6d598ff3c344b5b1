//! Faults of a definition, collected, each with a code and a hint.

use std::fmt;

use serde::Serialize;

use crate::ids::NodeId;

/// What kind of fault, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Fault {
    /// A field that is needed is not there.
    MissingField,
    /// A value of another JSON type than the field takes.
    WrongType,
    /// A number out of its range.
    OutOfRange,
    /// A text that is none of those that the field takes.
    UnknownValue,
    /// A node type that nobody knows.
    UnknownType,
    /// An edge to or from a node that is not there.
    UnknownNode,
    /// An edge on a handle that its node never takes.
    UnknownHandle,
    /// A field that the node type does not have, spelled almost like one that it has.
    UnknownField,
    /// A path into the context that no node before can write.
    UnknownPath,
    /// A saved query, or a workflow, that the tenant does not have.
    UnknownReference,
    /// Braces around something that is no path.
    BadTemplate,
    /// A name that is none, or one that is taken.
    BadName,
    /// An id of two nodes.
    DuplicateId,
    /// A way back to a node that is no loop.
    Cycle,
    /// A loop's body that is entered or left where it must not be, or shared with another loop.
    LoopBody,
    /// No start, or several.
    StartCount,
    /// A node that no edge leads to.
    Unreachable,
    /// More than a bound allows.
    TooLarge,
    /// Anything else.
    Invalid,
}

impl Fault {
    /// Faults that differ in the field only are said in these words everywhere.
    fn of(message: &str) -> Self {
        let begins = |words: &[&str]| words.iter().any(|words| message.starts_with(words));
        match message {
            "is missing" => Self::MissingField,
            _ if begins(&["must be a name", "must not be input", "must not begin"]) => Self::BadName,
            _ if begins(&["must be one of"]) || message.contains("is none of") => Self::UnknownValue,
            _ if begins(&["must be from", "must be at least", "must be at most"]) => Self::OutOfRange,
            _ if begins(&["must be a ", "must be an ", "must be the "]) => Self::WrongType,
            _ if message.starts_with("{{") => Self::BadTemplate,
            _ => Self::Invalid,
        }
    }
}

impl Fault {
    /// What to look at when nothing better can be guessed.
    pub fn hint(self) -> &'static str {
        match self {
            Self::MissingField => "fill it in; GET …/workflows/schemas has the fields of each node type",
            Self::WrongType | Self::OutOfRange | Self::UnknownValue => {
                "GET …/workflows/schemas says which values it takes"
            }
            Self::UnknownType => "GET …/workflows/schemas has all node types",
            Self::UnknownNode => "add the node, or remove the edge",
            Self::UnknownHandle => "GET …/workflows/schemas has the handles of each node type",
            Self::UnknownField => "it is ignored: correct or remove it",
            Self::UnknownPath => "name an input, or the outputVariable of a node that comes before",
            Self::UnknownReference => "choose one that this tenant has",
            Self::BadTemplate => "a template is a path into ctx; compute other things in a javascript node",
            Self::BadName => "letters, digits and _, not beginning with a digit, and neither input nor __…",
            Self::DuplicateId => "give each node an id of its own",
            Self::Cycle => "a way back leads to a loop node only",
            Self::LoopBody => {
                "a body begins at the loop's handle loop and ends without successor or at the loop"
            }
            Self::StartCount => "keep one start node",
            Self::Unreachable => "connect it, or remove it",
            Self::TooLarge => "split the workflow: a subWorkflow node runs another one",
            Self::Invalid => "see the message",
        }
    }
}

/// Whether a definition with this fault can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It does not run.
    Error,
    /// It runs, perhaps not as it was meant.
    Warning,
}

/// A fault of a definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where, in the client form: `nodes[2].data.code`.
    pub path: String,
    /// The node it concerns.
    #[serde(rename = "nodeID", skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// What kind of fault.
    pub code: Fault,
    /// What is wrong, for people.
    pub message: String,
    /// What would be right: a guess at what was meant, else what to look at.
    pub hint: String,
    /// Whether it keeps the definition from running.
    pub severity: Severity,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        if let Some(node) = &self.node {
            write!(f, " (node {node})")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// What is said of a fault.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Words {
    code: Fault,
    message: String,
    hint: Option<String>,
}

impl Words {
    /// With a hint, if there is one.
    pub(in crate::engine) fn hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

impl From<String> for Words {
    fn from(message: String) -> Self {
        Self { code: Fault::of(&message), message, hint: None }
    }
}

impl From<&str> for Words {
    fn from(message: &str) -> Self {
        message.to_owned().into()
    }
}

impl From<&String> for Words {
    fn from(message: &String) -> Self {
        message.clone().into()
    }
}

impl<T: Into<String>> From<(Fault, T)> for Words {
    fn from((code, message): (Fault, T)) -> Self {
        Self { code, message: message.into(), hint: None }
    }
}

/// Most faults that are listed: nobody reads the next thousand.
const MOST: usize = 100;

/// A list of faults without repeats, bounded.
#[derive(Debug, Default)]
pub(in crate::engine) struct Faults(Vec<Problem>);

impl Faults {
    /// Something that keeps the definition from running.
    pub(in crate::engine) fn push(
        &mut self,
        path: impl Into<String>,
        node: Option<&NodeId>,
        words: impl Into<Words>,
    ) {
        self.add(Severity::Error, path.into(), node, words.into());
    }
    /// Something that is probably not meant.
    pub(in crate::engine) fn warn(
        &mut self,
        path: impl Into<String>,
        node: Option<&NodeId>,
        words: impl Into<Words>,
    ) {
        self.add(Severity::Warning, path.into(), node, words.into());
    }
    fn add(&mut self, severity: Severity, path: String, node: Option<&NodeId>, words: Words) {
        if self.0.len() >= MOST {
            return;
        }
        let Words { code, message, hint } = words;
        let hint = hint.unwrap_or_else(|| code.hint().to_owned());
        let problem = Problem { path, node: node.cloned(), code, message, hint, severity };
        if !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }
    pub(in crate::engine) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub(in crate::engine) fn into_problems(self) -> Vec<Problem> {
        self.0
    }
}

/// `did you mean "…"?`, when one of the known words is near enough.
pub(in crate::engine) fn did_you_mean<'k>(
    word: &str,
    known: impl IntoIterator<Item = &'k str>,
) -> Option<String> {
    let near = |known: &'k str| {
        let far = distance(&word.to_lowercase(), &known.to_lowercase());
        let most = known.chars().count().max(word.chars().count()) / 3;
        (far <= most && known != word).then_some((far, known))
    };
    let (_, best) = known.into_iter().filter_map(near).min()?;
    Some(format!("did you mean {best:?}?"))
}

/// Letters that were added, left out, changed or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX - 1);
            let mut best = (at(&row, j) + usize::from(x != y)).min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_near_or_none() {
        let known = ["javascript", "dataQuery", "delay", "loop", "equals", "not_equals"];
        let table = [
            ("javscript", Some("javascript")),
            ("JavaScript", Some("javascript")),
            ("dataquery", Some("dataQuery")),
            ("dealy", Some("delay")),
            ("lop", Some("loop")),
            ("equal", Some("equals")),
            ("teleport", None),
            ("delay", None),
            ("", None),
        ];
        for (word, expected) in table {
            let expected = expected.map(|word| format!("did you mean {word:?}?"));
            assert_eq!(did_you_mean(word, known), expected, "{word}");
        }
    }

    #[test]
    fn the_words_say_the_code() {
        for (words, code) in [
            ("is missing", Fault::MissingField),
            ("must be a number", Fault::WrongType),
            ("must be from 0 to 59", Fault::OutOfRange),
            ("must be one of a, b", Fault::UnknownValue),
            ("\"never\" is none of fixed, dynamic, until", Fault::UnknownValue),
            ("must be a name of letters, digits and _, not beginning with a digit", Fault::BadName),
            ("must not be input, nor begin with __", Fault::BadName),
            ("{{ctx.}} is not a path", Fault::BadTemplate),
            ("is strange", Fault::Invalid),
        ] {
            assert_eq!(Words::from(words).code, code, "{words}");
        }
    }
}
