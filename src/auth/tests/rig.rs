//! Keys, a fetcher that answers what it is told, a verifier over both.

use std::{
    io::Write,
    process::{Command, Stdio},
    sync::{Arc, OnceLock},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, crypto, jwk::Jwk};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::{
    auth::{Error, FetchJwks, Fetched, token::Verifier},
    clock::Clock,
    config::{
        Secret,
        sections::{Auth as Settings, Issuer, IssuerKind},
    },
};

/// Seconds of the fixed clock.
pub const NOW: i64 = 1_800_000_000;
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
pub const ISSUER: &str = "https://id.example/";
pub const KEYS_URL: &str = "https://id.example/keys";

/// A key pair with the forms that forgers use of its public half.
pub struct Pair {
    pub algorithm: Algorithm,
    pub signing: EncodingKey,
    /// As it stands in a key set, with `kid` and `alg`.
    pub jwk: Value,
    pub public_pem: Vec<u8>,
    pub public_der: Vec<u8>,
}

fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("openssl");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("openssl on the PATH");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}");
    output.stdout
}

fn pair(kid: &str, algorithm: Algorithm, generate: &[&str]) -> Pair {
    let private = openssl(&[&["genpkey"], generate].concat(), b"");
    let signing = match algorithm {
        Algorithm::RS256 => EncodingKey::from_rsa_pem(&private),
        _ => EncodingKey::from_ec_pem(&private),
    }
    .unwrap();
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&signing, algorithm).unwrap()).unwrap();
    jwk["kid"] = json!(kid);
    let public_pem = openssl(&["pkey", "-pubout"], &private);
    let public_der = openssl(&["pkey", "-pubout", "-outform", "DER"], &private);
    Pair { algorithm, signing, jwk, public_pem, public_der }
}

const RSA: &[&str] = &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
const EC: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];

/// The issuer's RSA key, kid `rsa`.
pub fn rsa() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(|| pair("rsa", Algorithm::RS256, RSA))
}

/// The issuer's P-256 key, kid `ec`.
pub fn ec() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(|| pair("ec", Algorithm::ES256, EC))
}

/// Keys of somebody else, under the same kids.
pub fn stranger() -> &'static (Pair, Pair) {
    static PAIRS: OnceLock<(Pair, Pair)> = OnceLock::new();
    PAIRS.get_or_init(|| (pair("rsa", Algorithm::RS256, RSA), pair("ec", Algorithm::ES256, EC)))
}

/// The issuer's key set.
pub fn key_set() -> Bytes {
    json!({ "keys": [rsa().jwk, ec().jwk] }).to_string().into()
}

/// `a.b` of a token, from texts that need not be JSON.
pub fn unsigned(header: &str, payload: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
}

/// A token with these texts, signed with that key.
pub fn token(header: &str, payload: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let signed = unsigned(header, payload);
    let signature = crypto::sign(signed.as_bytes(), key, algorithm).unwrap();
    format!("{signed}.{signature}")
}

/// A token of the own secret.
pub fn own(payload: &str) -> String {
    hs256(r#"{"alg":"HS256","typ":"JWT"}"#, payload, SECRET.as_bytes())
}

pub fn hs256(header: &str, payload: &str, secret: &[u8]) -> String {
    token(header, payload, &EncodingKey::from_secret(secret), Algorithm::HS256)
}

/// Good claims of the issuer, one hour long, some of them changed (`null` removes one).
pub fn claims(changed: Value) -> String {
    let mut claims = json!({ "iss": ISSUER, "aud": "hub", "sub": "ann", "iat": NOW, "exp": NOW + 3600 });
    for (name, value) in changed.as_object().unwrap() {
        claims[name] = value.clone();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        }
    }
    claims.to_string()
}

/// A good token of the issuer by that key, its claims changed.
pub fn issued(pair: &Pair, changed: Value) -> String {
    let header = json!({ "alg": format!("{:?}", pair.algorithm), "kid": pair.jwk["kid"] });
    token(&header.to_string(), &claims(changed), &pair.signing, pair.algorithm)
}

/// What the fetcher does next.
#[derive(Clone)]
pub enum Answer {
    Body(Bytes),
    Fails,
    Never,
}

/// Gives the same answer until it is told another; counts.
pub struct Fetcher {
    pub answer: Mutex<Answer>,
    pub calls: Mutex<Vec<String>>,
}

impl Fetcher {
    pub fn count(&self) -> usize {
        self.calls.lock().len()
    }
    pub fn now_gives(&self, answer: Answer) {
        *self.answer.lock() = answer;
    }
}

impl FetchJwks for Fetcher {
    fn fetch(&self, url: &str) -> Fetched {
        self.calls.lock().push(url.to_owned());
        let answer = self.answer.lock().clone();
        Box::pin(async move {
            match answer {
                Answer::Body(body) => Ok(body),
                Answer::Fails => Err("connection refused".to_owned()),
                Answer::Never => std::future::pending().await,
            }
        })
    }
}

/// A verifier with its own secret and one issuer, whose clock stands at [`NOW`].
pub struct Rig {
    pub verifier: Arc<Verifier>,
    pub fetcher: Arc<Fetcher>,
    pub clock: Clock,
}

pub fn issuer(kind: IssuerKind) -> Issuer {
    Issuer {
        issuer: ISSUER.to_owned(),
        audience: vec!["hub".to_owned()],
        kind,
        file: None,
        url: Some(KEYS_URL.to_owned()),
        project: Some("project".to_owned()),
        provision: None,
    }
}

impl Rig {
    pub fn new() -> Self {
        Self::with(|_| ())
    }

    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings {
            hs256_secret: Some(Secret::new(SECRET.to_owned())),
            issuers: vec![issuer(IssuerKind::JwksUrl)],
            ..Settings::default()
        };
        change(&mut settings);
        let fetcher =
            Arc::new(Fetcher { answer: Mutex::new(Answer::Body(key_set())), calls: Mutex::default() });
        let clock = Clock::fixed(Timestamp::from_second(NOW).unwrap());
        let door: Arc<dyn FetchJwks> = fetcher.clone();
        let verifier = Arc::new(Verifier::new(&settings, &door, &clock).unwrap());
        Self { verifier, fetcher, clock }
    }

    /// The subject, or why not.
    pub async fn verify(&self, token: &str) -> Result<String, Error> {
        self.verifier.verify(token).await.map(|verified| verified.claims.subject)
    }

    /// The reason of a refusal; the code is the contract's for every one of them.
    pub async fn refused(&self, token: &str) -> &'static str {
        use crate::error::{Code, Coded};
        match self.verify(token).await {
            Err(error @ Error::Token { reason }) => {
                assert_eq!(error.code(), Code::TokenExpired);
                assert_eq!(error.to_string(), "User auth token expired", "the reason is for the log");
                reason
            }
            other => panic!("{other:?} for {}", &token[..token.len().min(300)]),
        }
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}
