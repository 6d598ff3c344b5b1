//! Pieces of a streamed answer, as lenient as vendors differ, and what they add up to. Pure.

use serde::Deserialize;
use serde_json::Value;

/// Most calls in one answer.
const MOST_CALLS: usize = 32;

/// One piece.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Chunk {
    #[serde(default)]
    pub choices: Vec<Choice>,
    #[serde(default)]
    pub usage: Option<Usage>,
    /// Some endpoints tell of trouble in the stream.
    #[serde(default)]
    pub error: Option<Value>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Choice {
    #[serde(default)]
    pub delta: Delta,
    #[serde(default)]
    pub finish_reason: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Delta {
    #[serde(default)]
    pub content: Option<String>,
    #[serde(default)]
    pub tool_calls: Option<Vec<CallDelta>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct CallDelta {
    #[serde(default)]
    pub index: Option<usize>,
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default)]
    pub function: Option<FunctionDelta>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct FunctionDelta {
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub arguments: Option<String>,
}

/// What the endpoint counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Usage {
    #[serde(default)]
    pub prompt_tokens: u64,
    #[serde(default)]
    pub completion_tokens: u64,
}

/// A call as the model asked for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Call {
    pub id: String,
    pub name: String,
    pub arguments: String,
}

/// An answer so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reply {
    pub text: String,
    pub calls: Vec<Call>,
    pub usage: Option<Usage>,
    /// Why the model stopped; none: it has not.
    pub finish: Option<String>,
    /// The text was longer than it may be.
    pub cut: bool,
}

/// A piece that breaks a bound or says that something went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unfit {
    /// The endpoint told of trouble: its own words.
    Trouble(String),
    /// Arguments without end, or calls.
    TooLarge,
}

impl Reply {
    /// Takes a piece in; the text that it adds. Past `most` bytes of text the rest is left out.
    pub fn add(&mut self, chunk: Chunk, most: usize) -> Result<String, Unfit> {
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err(Unfit::Trouble(error.to_string()));
        }
        self.usage = chunk.usage.or(self.usage);
        let mut told = String::new();
        // One answer was asked for.
        let Some(choice) = chunk.choices.into_iter().next() else { return Ok(told) };
        if let Some(text) = choice.delta.content {
            let text = clean(&text);
            let room = most.saturating_sub(self.text.len());
            let part = floor(&text, room);
            self.cut |= part.len() < text.len();
            self.text.push_str(part);
            told = part.to_owned();
        }
        for delta in choice.delta.tool_calls.unwrap_or_default() {
            self.call(delta, most)?;
        }
        self.finish = choice.finish_reason.or(self.finish.take());
        Ok(told)
    }

    fn call(&mut self, delta: CallDelta, most: usize) -> Result<(), Unfit> {
        // Without an index a piece with an id begins a call, and one without goes on with the last.
        let last = self.calls.len().saturating_sub(1);
        let begins =
            delta.id.is_some() && self.calls.last().is_none_or(|call| Some(&call.id) != delta.id.as_ref());
        let at = delta.index.unwrap_or(if begins { self.calls.len() } else { last });
        if at >= MOST_CALLS {
            return Err(Unfit::TooLarge);
        }
        while self.calls.len() <= at {
            self.calls.push(Call::default());
        }
        let Some(call) = self.calls.get_mut(at) else { return Ok(()) };
        if let Some(id) = delta.id {
            call.id = id;
        }
        if let Some(function) = delta.function {
            call.name.push_str(function.name.as_deref().unwrap_or_default());
            call.arguments.push_str(function.arguments.as_deref().unwrap_or_default());
        }
        if call.arguments.len() > most || call.name.len() > 256 || call.id.len() > 256 {
            return Err(Unfit::TooLarge);
        }
        Ok(())
    }

    /// Bytes that the model wrote.
    pub fn bytes(&self) -> usize {
        self.text.len() + self.calls.iter().map(|call| call.arguments.len() + call.name.len()).sum::<usize>()
    }
}

/// As much of a text as fits.
pub(super) fn floor(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// What may be shown: neither control characters nor marks that turn the direction of what follows.
pub(super) fn clean(text: &str) -> String {
    let shown = |c: &char| {
        matches!(c, '\n' | '\t')
            || !(c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
    };
    text.chars().filter(shown).collect()
}
