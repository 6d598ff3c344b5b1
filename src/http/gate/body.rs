//! Reading a body: nothing is buffered that is not wanted, allowed and bounded (`faults.md` A31, A32).

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use actix_web::{
    error::PayloadError,
    http::header::{self, HeaderMap},
    web,
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde_json::Value;

use crate::http::Failure;
use crate::{auth::json, error::Code};

/// Bounds of one body and of all together.
#[derive(Clone)]
pub(super) struct Bounds {
    /// Most bytes of one.
    pub largest: usize,
    /// Longest time of one.
    pub timeout: Duration,
    /// What all that are being read may take.
    pub all: Arc<InFlight>,
    /// Of JSON.
    pub json: json::Limits,
}

/// Bytes of all bodies that are being read.
pub(super) struct InFlight {
    left: AtomicUsize,
}

impl InFlight {
    pub fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(bytes) })
    }

    fn take(self: &Arc<Self>, bytes: usize) -> Option<Share> {
        self.left
            .fetch_update(Relaxed, Relaxed, |left| left.checked_sub(bytes))
            .is_ok()
            .then(|| Share { of: Arc::clone(self), bytes })
    }
}

/// What one body took; given back when it is dropped.
struct Share {
    of: Arc<InFlight>,
    bytes: usize,
}

impl Share {
    fn grow(&mut self, bytes: usize) -> bool {
        let taken = self.of.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(bytes)).is_ok();
        if taken {
            self.bytes += bytes;
        }
        taken
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.left.fetch_add(self.bytes, Relaxed);
    }
}

/// Refuses what will not be read at all: any content encoding, on any request.
pub(super) fn check_encoding(headers: &HeaderMap) -> Result<(), Failure> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Failure::of(Code::UnsupportedMediaType).and_close());
    }
    Ok(())
}

/// The JSON of a body; null when there is none.
pub(super) async fn read(
    headers: &HeaderMap,
    payload: web::Payload,
    bounds: &Bounds,
) -> Result<Value, Failure> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > bounds.largest) {
        return Err(Failure::of(Code::PayloadTooLarge).and_close());
    }
    let busy = || Failure::of(Code::Busy).and_close();
    let mut share = bounds.all.take(announced.unwrap_or(0)).ok_or_else(busy)?;
    let collected = collect(payload, bounds.largest, announced.unwrap_or(0), &mut share);
    let bytes = tokio::time::timeout(bounds.timeout, collected).await.map_err(|_| Failure::too_slow())??;
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    if !is_json(headers) {
        return Err(Failure::of(Code::UnsupportedMediaType));
    }
    json::parse(&bytes, bounds.json)
        .map_err(|error| Failure::invalid(format!("the body is no JSON: {error}")))
}

async fn collect(
    mut payload: web::Payload,
    largest: usize,
    mut paid: usize,
    share: &mut Share,
) -> Result<Bytes, Failure> {
    let mut body = BytesMut::with_capacity(paid.min(64 * 1024));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(broken)?;
        if body.len() + chunk.len() > largest {
            return Err(Failure::of(Code::PayloadTooLarge).and_close());
        }
        // A body without a length pays as it comes.
        let unpaid = (body.len() + chunk.len()).saturating_sub(paid);
        if unpaid > 0 && !share.grow(unpaid) {
            return Err(Failure::of(Code::Busy).and_close());
        }
        paid += unpaid;
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn broken(error: PayloadError) -> Failure {
    match error {
        PayloadError::Overflow => Failure::of(Code::PayloadTooLarge).and_close(),
        _ => Failure::invalid("the body ended early or is malformed").and_close(),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE);
    let (Some(first), None) = (types.next(), types.next()) else { return false };
    let Ok(text) = first.to_str() else { return false };
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or("").to_ascii_lowercase();
    let json =
        essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    // JSON is UTF-8; another charset would be read as something else than its writer meant.
    json && parts.all(|part| {
        let part = part.to_ascii_lowercase();
        part.strip_prefix("charset=").is_none_or(|charset| charset.trim_matches('"') == "utf-8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    #[test]
    fn only_json_in_utf8_is_taken() {
        for (text, taken) in [
            ("application/json", true),
            ("Application/JSON; charset=UTF-8", true),
            ("application/merge-patch+json", true),
            ("application/json; charset=latin1", false),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(text).unwrap());
            assert_eq!(is_json(&headers), taken, "{text}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }

    #[test]
    fn what_a_body_took_is_given_back() {
        let all = InFlight::new(10);
        let mut share = all.take(4).unwrap();
        assert!(share.grow(6) && !share.grow(1) && all.take(1).is_none());
        drop(share);
        assert!(all.take(10).is_some());
    }
}
