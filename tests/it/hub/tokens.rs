//! Tokens that must not open anything, over REST and admin (`faults.md` A1 to A7, A11), with the hub's
//! own secret and with keys of an issuer in a file.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use jsonwebtoken::{Algorithm, EncodingKey, crypto, jwk::Jwk};
use serde_json::{Value, json};

use crate::harness::{Hub, hub::SECRET};

const RSA: &str = include_str!("keys/rsa.pem");
const RSA_PUBLIC: &str = include_str!("keys/rsa.pub.pem");
const EC: &str = include_str!("keys/ec.pem");
pub(super) const ISSUER: &str = "https://id.example/";

pub(super) fn rsa() -> EncodingKey {
    EncodingKey::from_rsa_pem(RSA.as_bytes()).unwrap()
}

pub(super) fn ec() -> EncodingKey {
    EncodingKey::from_ec_pem(EC.as_bytes()).unwrap()
}

pub(super) fn jwk(key: &EncodingKey, algorithm: Algorithm, kid: &str) -> Value {
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(key, algorithm).unwrap()).unwrap();
    jwk["kid"] = json!(kid);
    jwk
}

fn now() -> i64 {
    jethub::clock::Clock::real().now().as_second()
}

/// A token from parts as they stand, signed by whatever key.
pub(super) fn forged(header: &str, payload: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let signed = format!("{}.{}", B64.encode(header), B64.encode(payload));
    let signature = crypto::sign(signed.as_bytes(), key, algorithm).unwrap();
    format!("{signed}.{signature}")
}

fn own(header: &str, payload: &str) -> String {
    forged(header, payload, &EncodingKey::from_secret(SECRET.as_bytes()), Algorithm::HS256)
}

/// The hub with one issuer, whose keys are in a file.
fn hub() -> (Hub, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("jwks.json");
    let keys = json!({ "keys": [jwk(&rsa(), Algorithm::RS256, "r"), jwk(&ec(), Algorithm::ES256, "e")] });
    std::fs::write(&file, keys.to_string()).unwrap();
    let issuers = format!(
        "[{{ issuer = \"{ISSUER}\", audience = [\"jethub\"], kind = \"jwks_file\", file = \"{}\", provision = {{ tenants = \"tenants\", platform_admin = \"admin\" }} }}]",
        file.display()
    );
    (Hub::with(&[("auth.issuers", &issuers)]), dir)
}

/// What an issuer's good token says.
pub(super) fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": "jethub", "sub": "ivy", "exp": now() + 600,
        "tenants": { "acme": "ADMIN" }, "admin": true,
    })
}

fn statuses(hub: &Hub, token: &str) -> (u16, u16) {
    let tenant = hub.request("GET", "/api/v1/tenants/acme/members", Some(token), None);
    let admin =
        hub.http().request("GET", "/admin/v1/tenants", &[("authorization", &format!("Bearer {token}"))], b"");
    if tenant.status == 401 {
        assert_eq!(tenant.json()["error"]["code"], "USER_AUTH_TOKEN_EXPIRED", "one code for all of them");
        assert_eq!(admin.json()["code"], "USER_AUTH_TOKEN_EXPIRED");
    }
    (tenant.status, admin.status)
}

#[test]
fn good_tokens_open_what_they_say() {
    let (hub, _dir) = hub();
    let plain = json!({ "sub": "ann", "exp": now() + 600, "tenants": { "acme": "MEMBER" } }).to_string();
    assert_eq!(statuses(&hub, &own("{\"alg\":\"HS256\"}", &plain)), (403, 403));
    assert_eq!(
        statuses(
            &hub,
            &forged("{\"alg\":\"RS256\",\"kid\":\"r\"}", &claims().to_string(), &rsa(), Algorithm::RS256)
        ),
        (200, 200)
    );
    let mut other = claims();
    other["sub"] = json!("eve");
    other["aud"] = json!(["else", "jethub"]);
    assert_eq!(
        statuses(
            &hub,
            &forged("{\"alg\":\"ES256\",\"kid\":\"e\"}", &other.to_string(), &ec(), Algorithm::ES256)
        ),
        (200, 200)
    );
    // `user_id` and `uid` name a subject where `sub` does not.
    let by_uid =
        json!({ "uid": "uma", "exp": now() + 600, "tenants": { "acme": "ADMIN" }, "platformAdmin": true });
    assert_eq!(statuses(&hub, &own("{\"alg\":\"HS256\"}", &by_uid.to_string())), (200, 200));
}

/// A1, A2, A4: the algorithm is the key's, keys are the configured ones.
#[test]
fn forged_headers_and_signatures_are_refused() {
    let (hub, _dir) = hub();
    let payload = claims().to_string();
    let part = |text: &str| B64.encode(text);
    let mut bad = Vec::new();
    for alg in ["none", "nOnE", "NONE", "", "HS256", "RS256", "ES256", "HS384", "HS512", "EdDSA"] {
        let header = format!("{{\"alg\":\"{alg}\",\"kid\":\"r\"}}");
        for signature in ["", "AA", &part(&"\0".repeat(64)), &part(&"\0".repeat(256))] {
            bad.push(format!("{}.{}.{signature}", part(&header), part(&payload)));
        }
    }
    bad.push(format!("{}.{}", part("{\"alg\":\"none\"}"), part(&payload)));
    for header in [
        "{}",
        "{\"alg\":null}",
        "{\"alg\":[\"HS256\"]}",
        "[]",
        "\"HS256\"",
        "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}",
        "{\"alg\":\"HS256\",\"alg\":\"none\"}",
    ] {
        bad.push(own(header, &payload));
    }
    // The public key as a secret, in every form somebody may have it.
    let der = B64
        .decode(
            RSA_PUBLIC
                .lines()
                .filter(|line| !line.starts_with('-'))
                .collect::<String>()
                .replace('+', "-")
                .replace('/', "_")
                .trim_end_matches('='),
        )
        .unwrap();
    let set = jwk(&rsa(), Algorithm::RS256, "r");
    let set_text = set.to_string();
    let secrets: [&[u8]; 6] = [
        RSA_PUBLIC.as_bytes(),
        RSA_PUBLIC.trim().as_bytes(),
        &der,
        set_text.as_bytes(),
        set["n"].as_str().unwrap().as_bytes(),
        b"",
    ];
    for secret in secrets {
        let key = EncodingKey::from_secret(secret);
        bad.push(forged("{\"alg\":\"HS256\",\"kid\":\"r\"}", &payload, &key, Algorithm::HS256));
        bad.push(forged("{\"alg\":\"RS256\",\"kid\":\"r\"}", &payload, &key, Algorithm::HS256));
    }
    // The right key under another's name, and a key that the token brings along.
    bad.push(forged("{\"alg\":\"RS256\",\"kid\":\"e\"}", &payload, &rsa(), Algorithm::RS256));
    bad.push(forged("{\"alg\":\"ES256\",\"kid\":\"r\"}", &payload, &ec(), Algorithm::ES256));
    bad.push(forged("{\"alg\":\"RS256\"}", &payload, &rsa(), Algorithm::RS256));
    let stranger = EncodingKey::from_rsa_pem(RSA.as_bytes()).unwrap();
    for extra in ["jku", "x5u", "jwk", "x5c"] {
        let header = json!({ "alg": "RS256", "kid": "unknown", extra: "http://127.0.0.1:1/" }).to_string();
        bad.push(forged(&header, &payload, &stranger, Algorithm::RS256));
    }
    for kid in [
        json!("../../dev/null"),
        json!("' OR 1=1 --"),
        json!("x".repeat(4000)),
        json!("R"),
        json!(7),
        json!(null),
    ] {
        let header = json!({ "alg": "RS256", "kid": kid }).to_string();
        bad.push(forged(&header, &payload, &rsa(), Algorithm::RS256));
    }
    let good = forged("{\"alg\":\"RS256\",\"kid\":\"r\"}", &payload, &rsa(), Algorithm::RS256);
    bad.push(format!("{good}A"));
    bad.push(format!("{good}="));
    bad.push(format!(" {good}"));
    bad.push(format!("{good}.{good}"));
    for (count, token) in bad.iter().enumerate() {
        assert_eq!(statuses(&hub, token), (401, 401), "{count}: {}", &token[..token.len().min(120)]);
    }
    assert!(bad.len() > 70, "{}", bad.len());
    assert_eq!(statuses(&hub, &good), (200, 200));
}

/// A5, A6, A7: times and names of the right type only, for the right audience.
#[test]
fn claims_that_are_not_exactly_right_are_refused() {
    let (hub, _dir) = hub();
    let good = claims();
    let mut bad = Vec::new();
    let mut with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        bad.push(claims.to_string());
    };
    for time in [
        json!("9999999999"),
        json!(9_999_999_999.5),
        json!(-1),
        json!(null),
        json!([9_999_999_999_i64]),
        json!(true),
    ] {
        for name in ["exp", "nbf", "iat"] {
            with(name, time.clone());
        }
    }
    with("exp", json!(now() - 120));
    with("nbf", json!(now() + 120));
    with("iat", json!(now() + 120));
    for aud in [
        json!("else"),
        json!([]),
        json!(["else"]),
        json!(null),
        json!({ "jethub": 1 }),
        json!("JETHUB"),
        json!(["jethub", 7]),
    ] {
        with("aud", aud);
    }
    for iss in [json!("https://id.example"), json!(null), json!([ISSUER]), json!("https://evil.example/")] {
        with("iss", iss);
    }
    for sub in [json!(""), json!(null), json!(7), json!(["ivy"]), json!("x".repeat(129)), json!("a\u{0}b")] {
        with("sub", sub);
    }
    for tenants in [json!([]), json!("acme"), json!({ "acme": 7 }), json!({ "": "ADMIN" })] {
        with("tenants", tenants);
    }
    with("admin", json!("true"));
    for name in ["exp", "aud", "iss", "sub"] {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(name);
        bad.push(claims.to_string());
    }
    let text = good.to_string();
    bad.push(text.replacen("\"sub\":\"ivy\"", "\"sub\":\"root\",\"sub\":\"ivy\"", 1));
    bad.push(text.replacen(&format!("\"exp\":{}", good["exp"]), "\"exp\":1e400", 1));
    bad.push(format!("\u{feff}{text}"));
    bad.push("null".to_owned());
    bad.push(format!("[{text}]"));
    for payload in &bad {
        let token = forged("{\"alg\":\"RS256\",\"kid\":\"r\"}", payload, &rsa(), Algorithm::RS256);
        assert_eq!(statuses(&hub, &token), (401, 401), "{payload}");
    }
    assert!(bad.len() > 45, "{}", bad.len());
}

/// A11: nothing of a token reaches the log, however long it is and wherever it stands.
#[test]
fn tokens_never_reach_the_log() {
    let (hub, _dir) = hub();
    let canary = "c4n4ryc4n4ryc4n4ry";
    let long = format!("{}.{canary}.x", "a".repeat(30_000));
    for token in [canary, &format!("{canary}.{canary}.{canary}"), &long] {
        assert_eq!(statuses(&hub, token), (401, 401));
        let path = format!("/api/v1/tenants/acme/members?token={token}&api_key={token}");
        if path.len() < 4000 {
            assert_eq!(hub.http().get(&path).status, 401);
        }
        let basic = format!("Basic {token}");
        let reply =
            hub.http().request("GET", "/api/v1/tenants/acme/members", &[("authorization", &basic)], b"");
        assert_eq!(reply.status, 401);
    }
    assert!(!hub.log().contains(canary), "{}", hub.log());
}
