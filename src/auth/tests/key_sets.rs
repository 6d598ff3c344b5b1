//! A3, A10: keys that nobody knows, and sets that do not arrive as they should.

use serde_json::json;

use super::rig::{Answer, Rig, claims, ec, issued, key_set, rsa, stranger, token};
use crate::{
    auth::Error,
    config::DurationSetting,
    error::{Code, Coded},
};

fn with_kid(kid: &str) -> String {
    let header = json!({ "alg": "RS256", "kid": kid }).to_string();
    token(&header, &claims(json!({})), &rsa().signing, rsa().algorithm)
}

/// A3.
#[tokio::test]
async fn ten_thousand_unknown_keys_are_one_fetch() {
    let rig = Rig::new();
    let odd = ["../../dev/null", "' OR 1=1 --", "", "\u{0}", "rsa ", "RSA", "*", "%72sa", &"k".repeat(2_000)];
    // One signature is as good as another: none of these is looked at without a key.
    let forged = |kid: &str| {
        let header = json!({ "alg": "RS256", "kid": kid }).to_string();
        format!("{}.AAAA", super::rig::unsigned(&header, &claims(json!({}))))
    };
    for round in 0..10_000 {
        let kid = odd.get(round).map_or_else(|| format!("kid-{round}"), |kid| (*kid).to_owned());
        assert_eq!(rig.refused(&forged(&kid)).await, "unknown_key", "{kid:.20}");
    }
    assert_eq!(rig.fetcher.count(), 1);
    assert_eq!(rig.verify(&with_kid("rsa")).await.unwrap(), "ann");
    // A key that is new at the issuer is found after the gap, by one fetch more.
    rig.advance(29);
    rig.refused(&forged("new")).await;
    assert_eq!(rig.fetcher.count(), 1);
    rig.advance(1);
    let mut renamed = rsa().jwk.clone();
    renamed["kid"] = json!("new");
    rig.fetcher.now_gives(Answer::Body(json!({ "keys": [renamed] }).to_string().into()));
    assert_eq!(rig.verify(&with_kid("new")).await.unwrap(), "ann");
    // And what the issuer took back is refused.
    assert_eq!(rig.refused(&with_kid("rsa")).await, "unknown_key");
    assert_eq!(rig.fetcher.count(), 2);
    let too_long = with_kid(&"k".repeat(10_000));
    assert_eq!(rig.refused(&too_long).await, "too_long");
}

#[tokio::test]
async fn all_who_come_at_once_wait_for_one_fetch() {
    let rig = Rig::new();
    let token = issued(ec(), json!({}));
    let all = futures_util::future::join_all((0..100).map(|_| rig.verify(&token))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(rig.fetcher.count(), 1);
}

/// A10: the last good keys stay while their issuer is away, for 24 hours.
#[tokio::test]
async fn the_last_good_keys_stay() {
    let rig = Rig::with(|settings| settings.jwks_timeout = DurationSetting::from_millis(100));
    let good = || issued(rsa(), json!({ "exp": super::rig::NOW + 10 * 86_400 }));
    assert!(rig.verify(&good()).await.is_ok());
    let html = "<!doctype html><title>Sign in</title>";
    let large = format!("{{\"keys\":[{}]}}", "1,".repeat(200_000));
    let bad = [
        Answer::Fails,
        Answer::Never,
        Answer::Body(large.into()),
        Answer::Body(html.into()),
        Answer::Body("{\"keys\":[]}".into()),
        Answer::Body("{\"keys\":{}}".into()),
        Answer::Body("[]".into()),
        Answer::Body(json!({ "keys": [{ "kty": "oct", "k": "AA" }] }).to_string().into()),
    ];
    for answer in bad {
        rig.fetcher.now_gives(answer);
        let before = rig.fetcher.count();
        // Older than auth.jwks_cache: used, and renewed in the background, once.
        rig.advance(601);
        assert!(rig.verify(&good()).await.is_ok());
        while rig.fetcher.count() == before {
            tokio::task::yield_now().await;
        }
        assert!(rig.verify(&good()).await.is_ok());
        // An unknown key waits for what is going on, and no longer than the limit.
        assert_eq!(rig.refused(&with_kid("other")).await, "unknown_key");
        assert_eq!(rig.fetcher.count(), before + 1);
    }
    rig.fetcher.now_gives(Answer::Fails);
    rig.advance(86_400);
    let verdict = rig.verify(&good()).await.unwrap_err();
    assert_eq!((verdict.code(), &verdict), (Code::StorageUnavailable, &Error::Unavailable));
    // It comes back.
    rig.fetcher.now_gives(Answer::Body(key_set()));
    rig.advance(31);
    assert!(rig.verify(&good()).await.is_ok());
    // With other keys than before: the old ones are gone.
    rig.fetcher.now_gives(Answer::Body(json!({ "keys": [stranger().0.jwk] }).to_string().into()));
    rig.advance(601);
    assert!(rig.verify(&good()).await.is_ok(), "used once more while the new set is fetched");
    while rig.verify(&good()).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(rig.refused(&good()).await, "signature");
}

#[tokio::test]
async fn a_slow_issuer_holds_nobody_longer_than_the_limit() {
    let rig = Rig::with(|settings| settings.jwks_timeout = DurationSetting::from_millis(50));
    rig.fetcher.now_gives(Answer::Never);
    for _ in 0..3 {
        let verdict = rig.verify(&issued(rsa(), json!({}))).await;
        assert_eq!(verdict, Err(Error::Unavailable));
    }
    // The own secret does not depend on any issuer.
    let own = super::rig::own(&json!({ "sub": "ann", "exp": super::rig::NOW + 1 }).to_string());
    assert!(rig.verify(&own).await.is_ok());
    assert_eq!(rig.fetcher.count(), 1);
}
