//! One call of an endpoint, bounded in time and bytes from its first to its last piece.

use std::time::Duration;

use async_openai::{Client, config::OpenAIConfig, error::OpenAIError, middleware::HttpRequestFactory};
use futures_util::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use serde_json::Value;

use super::chunk::{Chunk, Reply, Unfit};
use crate::{
    ai::Error,
    clock::Clock,
    config::{Secret, sections::Ai},
    outbound::Outbound,
};

/// Bytes of a stream for one byte of text that may be told, and on top of it: events have much around them.
const OVERHEAD: usize = 64;
const ON_TOP: usize = 1024 * 1024;
/// Bytes of an error's body that are read, and characters of them that are logged.
const MOST_ERROR: usize = 4096;
const MOST_LOGGED: usize = 300;
/// Longest `Retry-After` that is believed.
const MOST_WAIT: Duration = Duration::from_secs(3600);

/// Where a model answers.
#[derive(Clone)]
pub struct Endpoint {
    client: Client<OpenAIConfig>,
    model: String,
    key: Option<Secret>,
    bounds: Bounds,
}

#[derive(Debug, Clone, Copy)]
struct Bounds {
    first: Duration,
    gap: Duration,
}

/// Why a call came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    /// For people, as the end of "the assistant's endpoint …".
    pub words: String,
    /// For metrics.
    pub reason: &'static str,
    /// Another try may help; after so long, if the endpoint said so.
    pub retry: Option<Option<Duration>>,
}

impl Trouble {
    fn new(reason: &'static str, words: impl Into<String>) -> Self {
        Self { words: words.into(), reason, retry: None }
    }
    fn passing(self) -> Self {
        Self { retry: Some(None), ..self }
    }
}

/// A status that is no success, on its way through the library.
#[derive(Debug, thiserror::Error)]
#[error("the endpoint answered {status}")]
struct Refused {
    status: u16,
    retry_after: Option<Duration>,
}

impl Endpoint {
    /// An endpoint of the operator's own settings. Nothing is asked of it yet.
    pub fn new(
        settings: &Ai,
        (base_url, model, key): (&str, &str, Option<&Secret>),
        outbound: &Outbound,
        clock: Clock,
    ) -> Result<Self, Error> {
        let bounds = Bounds { first: *settings.first_chunk, gap: *settings.gap };
        let http = outbound
            .streaming(bounds.first.max(bounds.gap) + Duration::from_secs(5))
            .map_err(|error| Error::Internal(error.to_string()))?;
        let config = OpenAIConfig::new()
            .with_api_base(base_url.trim_end_matches('/'))
            .with_api_key(key.map(Secret::expose).unwrap_or_default());
        let most = settings.max_output.get().saturating_mul(OVERHEAD).saturating_add(ON_TOP);
        let (sender, key) = (http.clone(), key.cloned());
        let secret = key.clone();
        let service = tower::service_fn(move |request: HttpRequestFactory| {
            let (http, clock, secret) = (sender.clone(), clock.clone(), secret.clone());
            async move {
                let sent = send(&http, request, most, &clock).await?;
                sent.map_err(|(refused, said)| {
                    let status = refused.status;
                    let said = logged(&said, secret.as_ref());
                    log::warn!(status; "the assistant's endpoint refused a call: {said}");
                    OpenAIError::Boxed(Box::new(refused))
                })
            }
        });
        let client = Client::build(http, config).with_http_service(service);
        Ok(Self { client, model: model.to_owned(), key, bounds })
    }

    /// Asks once, for at most so many bytes of text. `tell` hears each further piece of it. What had come before
    /// trouble is in `reply`.
    pub(super) async fn ask(
        &self,
        messages: &[Value],
        tools: &[Value],
        most: usize,
        reply: &mut Reply,
        tell: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<(), Trouble> {
        let mut request = serde_json::json!({
            "model": self.model,
            "messages": messages,
            "stream": true,
            "stream_options": { "include_usage": true },
        });
        if !tools.is_empty() {
            request["tools"] = Value::from(tools.to_vec());
        }
        let begun = tokio::time::Instant::now();
        let late = |what: &str, limit: Duration| {
            Trouble::new("late", format!("said nothing for {} s ({what})", limit.as_secs_f64()))
        };
        let asked = async { self.client.chat().create_stream_byot::<_, Chunk>(request).await };
        let mut stream = match tokio::time::timeout(self.bounds.first, Box::pin(asked)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(trouble(&error)),
            Err(_) => return Err(late("ai.first_chunk", self.bounds.first).passing()),
        };
        let mut first = true;
        loop {
            let (until, what, limit) = if first {
                (begun + self.bounds.first, "ai.first_chunk", self.bounds.first)
            } else {
                (tokio::time::Instant::now() + self.bounds.gap, "ai.gap", self.bounds.gap)
            };
            let piece = match tokio::time::timeout_at(until, stream.next()).await {
                Ok(piece) => piece,
                Err(_) => return Err(late(what, limit).passing()),
            };
            let chunk = match piece {
                Some(Ok(chunk)) => chunk,
                Some(Err(error)) => return Err(trouble(&error)),
                None if reply.finish.is_some() => return Ok(()),
                None => {
                    return Err(Trouble::new("cut", "broke off in the middle of its answer").passing());
                }
            };
            // A piece that says nothing does not stop the clock.
            first &= chunk.choices.is_empty() && chunk.usage.is_none();
            match reply.add(chunk, most) {
                Ok(told) if told.is_empty() => {}
                Ok(told) => tell(&told),
                Err(Unfit::Trouble(said)) => {
                    let said = logged(&said, self.key.as_ref());
                    log::warn!("the assistant's endpoint told of trouble: {said}");
                    return Err(
                        Trouble::new("error", "told of trouble in the middle of its answer").passing()
                    );
                }
                Err(Unfit::TooLarge) => {
                    return Err(Trouble::new("too_large", "asked for more than a tool takes"));
                }
            }
            if reply.cut {
                // The rest is not read: dropping the stream closes the connection.
                return Ok(());
            }
        }
    }
}

async fn send(
    http: &reqwest::Client,
    request: HttpRequestFactory,
    most: usize,
    clock: &Clock,
) -> Result<Result<reqwest::Response, (Refused, String)>, OpenAIError> {
    let request = request.build().await?;
    let response = http.execute(request).await.map_err(OpenAIError::Reqwest)?;
    let status = response.status();
    if !status.is_success() {
        let after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let retry_after = after.and_then(|text| wait(text, clock.now()));
        let refused = Refused { status: status.as_u16(), retry_after };
        return Ok(Err((refused, error_text(response).await)));
    }
    let content_type = response.headers().get("content-type").cloned();
    let mut read = 0_usize;
    // Whatever the stream holds, no more than so much of it is ever in memory.
    let bounded = response.bytes_stream().map_err(std::io::Error::other).map(move |piece| {
        let piece = piece?;
        read = read.saturating_add(piece.len());
        if read > most { Err(std::io::Error::other("the answer is too long")) } else { Ok(piece) }
    });
    let mut builder = http::Response::builder().status(status.as_u16());
    if let Some(content_type) = content_type {
        builder = builder.header("content-type", content_type);
    }
    let response = builder.body(reqwest::Body::wrap_stream(bounded));
    response
        .map(|response| Ok(response.into()))
        .map_err(|error| OpenAIError::InvalidArgument(error.to_string()))
}

/// The beginning of an error's body: for the log, never for a client.
async fn error_text(mut response: reqwest::Response) -> String {
    let mut text = Vec::new();
    let read = async {
        while let Ok(Some(piece)) = response.chunk().await {
            text.extend_from_slice(&piece);
            if text.len() >= MOST_ERROR {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(2), read).await;
    text.truncate(MOST_ERROR);
    String::from_utf8_lossy(&text).into_owned()
}

/// An endpoint's own words, for the log: one short line, and never the key, which some endpoints repeat.
fn logged(said: &str, key: Option<&Secret>) -> String {
    let key = key.map(Secret::expose).filter(|key| !key.is_empty());
    let said = key.map_or_else(|| said.to_owned(), |key| said.replace(key, "****"));
    said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_LOGGED).collect()
}

/// `Retry-After`: seconds, or a date (RFC 9110, 10.2.3).
fn wait(text: &str, now: Timestamp) -> Option<Duration> {
    let wait = match text.trim().parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let at = jiff::fmt::rfc2822::parse(text.trim()).ok()?.timestamp();
            Duration::try_from(at.duration_since(now)).unwrap_or_default()
        }
    };
    Some(wait.min(MOST_WAIT))
}

fn trouble(error: &OpenAIError) -> Trouble {
    match error {
        OpenAIError::Boxed(boxed) => match boxed.downcast_ref::<Refused>() {
            Some(refused) => refusal(refused),
            None => Trouble::new("unreachable", "could not be called").passing(),
        },
        OpenAIError::Reqwest(error) if error.is_connect() => {
            Trouble::new("unreachable", "takes no connection").passing()
        }
        OpenAIError::Reqwest(error) if error.is_timeout() => {
            Trouble::new("late", "said nothing for too long").passing()
        }
        OpenAIError::Reqwest(_) => Trouble::new("cut", "broke the connection off").passing(),
        OpenAIError::StreamError(_) => Trouble::new("cut", "broke off in the middle of its answer").passing(),
        OpenAIError::JSONDeserialize(..) => {
            Trouble::new("garbage", "answered with something that is no chat completion")
        }
        OpenAIError::ApiError(_) => Trouble::new("error", "refused the call"),
        _ => Trouble::new("error", "could not be asked"),
    }
}

fn refusal(refused: &Refused) -> Trouble {
    let status = refused.status;
    let passing = |trouble: Trouble| Trouble { retry: Some(refused.retry_after), ..trouble };
    match status {
        401 | 403 => Trouble::new("denied", format!("refuses the key of this hub ({status})")),
        404 => Trouble::new("refused", "knows no such model or address (404)"),
        429 => passing(Trouble::new("busy", "has too much to do (429)")),
        408 | 500..=599 => passing(Trouble::new("error", format!("failed ({status})"))),
        _ => Trouble::new("refused", format!("refused the call ({status})")),
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn what_is_logged_is_a_short_line_without_the_key() {
        let key = Secret::new("sk-canary".to_owned());
        let said = logged(&format!("no key\n sk-canary\u{1b}[31m{}", "x".repeat(1000)), Some(&key));
        assert!(said.starts_with("no key  ****") && !said.contains(char::is_control), "{said}");
        assert_eq!(said.len(), MOST_LOGGED);
        assert_eq!(logged("as it is", Some(&Secret::new(String::new()))), "as it is");
    }

    #[test]
    fn a_wait_is_seconds_or_a_date() {
        let now: Timestamp = "2026-11-25T08:00:00Z".parse().unwrap();
        let seconds = |text| wait(text, now).map(|wait| wait.as_secs());
        assert_eq!(seconds("3"), Some(3));
        assert_eq!(seconds("999999"), Some(3600));
        assert_eq!(seconds("Wed, 25 Nov 2026 08:00:30 GMT"), Some(30));
        assert_eq!(seconds("Wed, 25 Nov 2026 07:00:30 GMT"), Some(0));
        assert_eq!(seconds("soon"), None);
    }
}
