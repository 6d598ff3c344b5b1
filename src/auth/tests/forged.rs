//! A1, A2, A4: signatures that are none, keys that are the wrong ones, keys that a token brings along.

use serde_json::{Value, json};

use super::rig::{
    KEYS_URL, NOW, Pair, Rig, SECRET, claims, ec, hs256, issued, own, rsa, stranger, token, unsigned,
};
use crate::auth::json as strict;

/// A1.
#[tokio::test]
async fn no_signature_is_none() {
    let rig = Rig::new();
    let payload = claims(json!({}));
    let headers = [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None"}"#,
        r#"{"alg":"nOnE"}"#,
        r#"{"alg":"NONE"}"#,
        r#"{"alg":""}"#,
        r#"{"alg":null}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":0}"#,
        r#"{"typ":"JWT"}"#,
        r#"{"alg":"hs256"}"#,
        r#"{"alg":"HS256 "}"#,
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS384"}"#,
        r#"{"alg":"HS256","crit":["exp"]}"#,
        r#"{"alg":"HS256","b64":false}"#,
    ];
    for header in headers {
        let signed = unsigned(header, &payload);
        let good = hs256(header, &payload, SECRET.as_bytes());
        // Signed with the right secret, not signed, signed with nothing.
        for forged in
            [good, format!("{signed}."), signed.clone(), format!("{signed}.AA"), format!("{signed}..")]
        {
            let reason = rig.refused(&forged).await;
            assert!(["algorithm", "malformed", "header"].contains(&reason), "{header}: {reason}");
        }
    }
    // The right header with a wrong signature.
    let signed = unsigned(r#"{"alg":"HS256"}"#, &payload);
    for signature in ["AA", "e30", &"A".repeat(43), "not base64!", "====", "\u{fc}"] {
        assert_eq!(rig.refused(&format!("{signed}.{signature}")).await, "signature", "{signature}");
    }
    assert_eq!(rig.refused(&hs256(r#"{"alg":"HS256"}"#, &payload, b"")).await, "signature");
    assert_eq!(rig.verify(&own(&payload)).await.unwrap(), "ann");
    assert_eq!(rig.fetcher.count(), 0);
}

/// A2: forms of a public key that a careless verifier would take as an HMAC secret.
fn public_forms(pair: &Pair) -> Vec<Vec<u8>> {
    let pem = pair.public_pem.clone();
    let trimmed = String::from_utf8_lossy(&pem).trim().as_bytes().to_vec();
    let member = if pair.jwk.get("n").is_some() { "n" } else { "x" };
    let text = pair.jwk[member].as_str().unwrap_or_default();
    vec![
        pem,
        trimmed,
        pair.public_der.clone(),
        pair.jwk.to_string().into_bytes(),
        text.as_bytes().to_vec(),
        Vec::new(),
    ]
}

#[tokio::test]
async fn a_public_key_is_no_secret() {
    for with_secret in [true, false] {
        let rig = Rig::with(|settings| {
            if !with_secret {
                settings.hs256_secret = None;
            }
        });
        for pair in [rsa(), ec()] {
            let kid = &pair.jwk["kid"];
            for form in public_forms(pair) {
                for header in [json!({ "alg": "HS256", "kid": kid }), json!({ "alg": "HS256" })] {
                    let reason = rig.refused(&hs256(&header.to_string(), &claims(json!({})), &form)).await;
                    assert_eq!(reason, if with_secret { "signature" } else { "algorithm" });
                }
                // The header of the key's own kind over an HMAC.
                let named = json!({ "alg": format!("{:?}", pair.algorithm), "kid": kid });
                assert_eq!(
                    rig.refused(&hs256(&named.to_string(), &claims(json!({})), &form)).await,
                    "signature"
                );
            }
            assert_eq!(rig.verify(&issued(pair, json!({}))).await.unwrap(), "ann");
        }
    }
}

#[tokio::test]
async fn an_algorithm_belongs_to_its_key() {
    let rig = Rig::new();
    let payload = claims(json!({}));
    for (pair, other) in [(rsa(), ec()), (ec(), rsa())] {
        // The other's kid: its key has another algorithm than the header says.
        let header = json!({ "alg": format!("{:?}", pair.algorithm), "kid": other.jwk["kid"] }).to_string();
        let forged = token(&header, &payload, &pair.signing, pair.algorithm);
        assert_eq!(rig.refused(&forged).await, "algorithm");
        for wrong in ["RS384", "RS512", "PS256", "ES384", "EdDSA", "RS256 ", "rs256"] {
            let header = json!({ "alg": wrong, "kid": pair.jwk["kid"] }).to_string();
            let forged = token(&header, &payload, &pair.signing, pair.algorithm);
            assert_eq!(rig.refused(&forged).await, "algorithm", "{wrong}");
        }
        let own_key = token(
            &json!({ "alg": format!("{:?}", pair.algorithm), "kid": pair.jwk["kid"] }).to_string(),
            &payload,
            if pair.jwk["kid"] == "rsa" { &stranger().0.signing } else { &stranger().1.signing },
            pair.algorithm,
        );
        assert_eq!(rig.refused(&own_key).await, "signature");
    }
}

/// A2: a set whose keys are of kinds that must not be used, or weak.
#[tokio::test]
async fn keys_that_must_not_be_used_are_left_out() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let symmetric =
        json!({ "kty": "oct", "kid": "oct", "k": URL_SAFE_NO_PAD.encode("secret"), "alg": "HS256" });
    let mut encrypts = rsa().jwk.clone();
    encrypts["use"] = json!("enc");
    let mut other_algorithm = rsa().jwk.clone();
    other_algorithm["alg"] = json!("RS512");
    let mut weak = rsa().jwk.clone();
    weak["n"] = json!(URL_SAFE_NO_PAD.encode([0xff; 128]));
    let mut unnamed = rsa().jwk.clone();
    unnamed.as_object_mut().unwrap().remove("alg");
    for (key, usable) in
        [(&symmetric, false), (&encrypts, false), (&other_algorithm, false), (&weak, false), (&unnamed, true)]
    {
        let rig = Rig::new();
        let set = json!({ "keys": [key, ec().jwk] }).to_string();
        rig.fetcher.now_gives(super::rig::Answer::Body(set.into()));
        let verdict = rig.verify(&issued(rsa(), json!({}))).await;
        assert_eq!(verdict.is_ok(), usable, "{key}");
        assert!(rig.verify(&issued(ec(), json!({}))).await.is_ok());
    }
}

/// A4: what a token says of its own key is not read; the only address called is the configured one.
#[tokio::test]
async fn keys_that_a_token_brings_are_ignored() {
    let (mine, _) = stranger();
    let rig = Rig::new();
    let extras: Vec<(&str, Value)> = vec![
        ("jku", json!("https://evil.example/keys")),
        ("jku", json!("http://127.0.0.1:1/")),
        ("x5u", json!("https://evil.example/cert")),
        ("jwk", mine.jwk.clone()),
        ("jwk", json!([mine.jwk])),
        ("x5c", json!([String::from_utf8_lossy(&mine.public_pem)])),
        ("x5t", json!("AAAA")),
        ("x5t#S256", json!("AAAA")),
    ];
    for (name, value) in extras {
        let mut header = json!({ "alg": "RS256", "kid": "rsa" });
        header[name] = value;
        let header = header.to_string();
        assert!(strict::parse(header.as_bytes(), strict::Limits::TOKEN).is_ok());
        let forged = token(&header, &claims(json!({})), &mine.signing, mine.algorithm);
        assert_eq!(rig.refused(&forged).await, "signature", "{header}");
        // The same header on a token of the issuer changes nothing.
        let genuine = token(&header, &claims(json!({})), &rsa().signing, rsa().algorithm);
        assert_eq!(rig.verify(&genuine).await.unwrap(), "ann", "{header}");
    }
    assert!(rig.fetcher.calls.lock().iter().all(|url| url == KEYS_URL));
    assert_eq!(rig.fetcher.count(), 1);
    let _ = NOW;
}
