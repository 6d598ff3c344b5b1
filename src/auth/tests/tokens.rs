//! A5, A6, A7, A11: claims of the wrong type, times, issuers, sizes.

use serde_json::{Value, json};

use super::rig::{ISSUER, NOW, Rig, claims, ec, issued, issuer, own, rsa, token, unsigned};
use crate::config::sections::IssuerKind;

/// A5.
#[tokio::test]
async fn claims_of_the_wrong_type_are_refused() {
    let rig = Rig::new();
    let mut tried = 0;
    let values = [
        "\"1800003600\"",
        "1800003600.0",
        "1800003600.5",
        "-1",
        "null",
        "[1800003600]",
        "{}",
        "true",
        "1e400",
        "18e8",
        "99999999999999999999",
    ];
    for name in ["exp", "nbf", "iat"] {
        for value in values {
            let rest = if name == "exp" { String::new() } else { format!(",\"exp\":{}", NOW + 60) };
            let payload = format!(r#"{{"sub":"ann","{name}":{value}{rest}}}"#);
            let reason = rig.refused(&own(&payload)).await;
            assert!(["time_type", "malformed"].contains(&reason), "{payload}: {reason}");
            tried += 1;
        }
    }
    for (payload, reason) in [
        (json!({ "sub": "ann" }), "exp_missing"),
        (json!({ "exp": NOW + 60 }), "subject"),
        (json!({ "exp": NOW + 60, "sub": null }), "subject"),
        (json!({ "exp": NOW + 60, "sub": 7 }), "subject"),
        (json!({ "exp": NOW + 60, "sub": ["ann"] }), "subject"),
        (json!({ "exp": NOW + 60, "sub": "" }), "subject"),
        (json!({ "exp": NOW + 60, "user_id": {} }), "subject"),
        (json!({ "exp": NOW + 60, "uid": false }), "subject"),
        (json!({ "exp": NOW + 60, "sub": "a\nb" }), "subject"),
        (json!({ "exp": NOW + 60, "sub": "x".repeat(129) }), "subject"),
        (json!([NOW + 60]), "malformed"),
        (json!("ann"), "malformed"),
    ] {
        assert_eq!(rig.refused(&own(&payload.to_string())).await, reason, "{payload}");
        tried += 1;
    }
    for payload in ["", "{", "{}x", "\u{feff}{}", r#"{"exp":1}{"sub":"ann"}"#] {
        rig.refused(&own(payload)).await;
        tried += 1;
    }
    assert!(tried >= 30);
    for name in ["sub", "user_id", "uid"] {
        let payload = json!({ "exp": NOW + 60, name: "ann" });
        assert_eq!(rig.verify(&own(&payload.to_string())).await.unwrap(), "ann");
    }
}

/// A5: an issuer with the rules of Firebase.
#[tokio::test]
async fn firebase_needs_its_claims() {
    let rig = Rig::with(|settings| settings.issuers = vec![issuer(IssuerKind::Firebase)]);
    let iss = "https://securetoken.google.com/project";
    let good = json!({ "iss": iss, "aud": "project", "auth_time": NOW });
    assert_eq!(rig.verify(&issued(rsa(), good.clone())).await.unwrap(), "ann");
    for (name, value, reason) in [
        ("aud", Value::Null, "audience"),
        ("aud", json!("other"), "audience"),
        ("iss", Value::Null, "issuer"),
        ("iss", json!("https://securetoken.google.com/other"), "issuer"),
        ("iss", json!("https://securetoken.google.com/project/"), "issuer"),
        ("auth_time", Value::Null, "auth_time"),
        ("auth_time", json!(NOW + 61), "auth_time"),
        ("auth_time", json!("now"), "time_type"),
        ("sub", Value::Null, "subject"),
    ] {
        let mut changed = good.clone();
        changed[name] = value;
        assert_eq!(rig.refused(&issued(rsa(), changed.clone())).await, reason, "{changed}");
    }
    let no_kid = token(r#"{"alg":"RS256"}"#, &claims(good), &rsa().signing, rsa().algorithm);
    assert_eq!(rig.refused(&no_kid).await, "kid_missing");
}

/// A6: the leeway, exactly, while the clock goes on.
#[tokio::test]
async fn a_token_ends_with_its_leeway() {
    let rig = Rig::new();
    let ends = |at: i64| own(&json!({ "sub": "ann", "exp": at }).to_string());
    assert!(rig.verify(&ends(NOW - 59)).await.is_ok());
    assert!(rig.verify(&ends(NOW - 60)).await.is_ok());
    assert_eq!(rig.refused(&ends(NOW - 61)).await, "expired");
    for name in ["nbf", "iat"] {
        let begins = |at: i64| own(&json!({ "sub": "ann", "exp": NOW + 3600, name: at }).to_string());
        assert!(rig.verify(&begins(NOW + 60)).await.is_ok());
        assert_eq!(rig.refused(&begins(NOW + 61)).await, "not_yet_valid", "{name}");
    }
    let token = issued(rsa(), json!({ "exp": NOW + 100 }));
    for (after, good) in [(0, true), (100, true), (59, true), (1, true), (1, false)] {
        rig.advance(after);
        assert_eq!(rig.verify(&token).await.is_ok(), good, "{after}");
    }
    let strict = Rig::with(|settings| settings.leeway = crate::config::DurationSetting::from_secs(0));
    assert!(strict.verify(&ends(NOW)).await.is_ok());
    assert_eq!(strict.refused(&ends(NOW - 1)).await, "expired");
}

/// A7.
#[tokio::test]
async fn issuer_audience_and_signature_are_compared_exactly() {
    let rig = Rig::new();
    for (changed, reason) in [
        (json!({ "iss": "https://id.example" }), "issuer"),
        (json!({ "iss": "https://ID.example/" }), "issuer"),
        (json!({ "iss": [ISSUER] }), "issuer"),
        (json!({ "iss": null }), "issuer"),
        (json!({ "aud": "hubs" }), "audience"),
        (json!({ "aud": "HUB" }), "audience"),
        (json!({ "aud": null }), "audience"),
        (json!({ "aud": ["a", "b"] }), "audience"),
        (json!({ "aud": [] }), "audience"),
        (json!({ "aud": { "hub": true } }), "audience"),
        (json!({ "aud": ["hub", 1] }), "audience"),
    ] {
        for pair in [rsa(), ec()] {
            assert_eq!(rig.refused(&issued(pair, changed.clone())).await, reason, "{changed}");
        }
    }
    assert!(rig.verify(&issued(ec(), json!({ "aud": ["a", "hub"] }))).await.is_ok());

    let signed = unsigned(r#"{"alg":"ES256","kid":"ec"}"#, &claims(json!({})));
    let good = issued(ec(), json!({}));
    let (_, signature) = good.rsplit_once('.').unwrap();
    let shorter = &signature[..signature.len() - 4];
    // Zeros, a DER sequence, cut, doubled.
    for forged in
        ["A".repeat(86), "MEUCIQDx".to_owned(), shorter.to_owned(), format!("{signature}{signature}")]
    {
        assert_eq!(rig.refused(&format!("{signed}.{forged}")).await, "signature", "{forged}");
    }
    let twice = format!(r#"{{"iss":"{ISSUER}","aud":"hub","exp":{},"sub":"ann","sub":"boss"}}"#, NOW + 60);
    assert_eq!(rig.refused(&own(&twice)).await, "malformed");
    assert_eq!(
        rig.refused(&own(&twice.replace("\"sub\":\"boss\"", "\"s\\u0075b\":\"boss\""))).await,
        "malformed"
    );
    // A changed claim under the old signature.
    let changed = unsigned(r#"{"alg":"ES256","kid":"ec"}"#, &claims(json!({ "sub": "boss" })));
    assert_eq!(rig.refused(&format!("{changed}.{signature}")).await, "signature");
}

/// A11: what is too long is not taken apart.
#[tokio::test]
async fn a_long_token_is_refused_before_it_is_read() {
    let rig = Rig::new();
    let long = own(&json!({ "sub": "ann", "exp": NOW + 60, "x": "y".repeat(64 * 1024) }).to_string());
    assert_eq!(rig.refused(&long).await, "too_long");
    for odd in [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "e30.e30.e30",
        " ",
        "Bearer x",
        &"a".repeat(8 * 1024),
        &".".repeat(8 * 1024),
    ] {
        assert!(["malformed", "algorithm"].contains(&rig.refused(odd).await), "{odd:.20}");
    }
    let deep =
        own(&format!(r#"{{"sub":"ann","exp":{},"x":{}1{}}}"#, NOW + 60, "[".repeat(100), "]".repeat(100)));
    assert_eq!(rig.refused(&deep).await, "malformed");
    assert_eq!(rig.fetcher.count(), 0);
}
