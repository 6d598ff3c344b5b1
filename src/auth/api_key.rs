//! API keys: 256 random bits in hexadecimal digits, shown once, kept as SHA-256.
//!
//! A key is as long as a hash, so a fast hash is enough (nothing to guess). The first eight
//! characters find the row, the hash decides, in constant time.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    auth::{Error, directory::rows::ApiKey},
    config::Secret,
};

/// Characters of a key that are kept to find it.
pub(super) const PREFIX: usize = 8;
/// Longest text that is looked at.
const MAX_KEY: usize = 128;

/// A new key: the secret to show once, its prefix, its hash.
pub(super) fn generate() -> Result<(Secret, String, String), Error> {
    let mut bits = [0u8; 32];
    getrandom::fill(&mut bits).map_err(|_| Error::Internal)?;
    let key = hex(&bits);
    let prefix = key.chars().take(PREFIX).collect();
    let hash = hash(&key);
    Ok((Secret::new(key), prefix, hash))
}

/// The prefix of a presented key; `None` for what cannot be one.
pub(super) fn prefix(key: &str) -> Option<&str> {
    if key.len() <= PREFIX || key.len() > MAX_KEY {
        return None;
    }
    key.get(..PREFIX)
}

/// The row, among those with its prefix, whose hash is the key's. Takes the same time for each row,
/// and for none as for one.
pub(super) fn find(key: &str, rows: Vec<ApiKey>) -> Option<ApiKey> {
    let presented = hash(key);
    let nobody = "0".repeat(64);
    let mut found = None;
    let mut compared = false;
    for row in rows {
        compared = true;
        if bool::from(row.hash.as_bytes().ct_eq(presented.as_bytes())) {
            found = Some(row);
        }
    }
    if !compared {
        let _ = std::hint::black_box(nobody.as_bytes().ct_eq(presented.as_bytes()));
    }
    found
}

fn hash(key: &str) -> String {
    hex(&Sha256::digest(key.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_long_and_differ() {
        let (one, prefix_of_one, hash_of_one) = generate().unwrap();
        let (two, ..) = generate().unwrap();
        assert_eq!(one.expose().len(), 64);
        assert_ne!(one.expose(), two.expose());
        assert_eq!(prefix(one.expose()), Some(prefix_of_one.as_str()));
        assert_eq!(hash(one.expose()), hash_of_one);
    }

    #[test]
    fn what_cannot_be_a_key_has_no_prefix() {
        for text in ["", "12345678", "1234567é9", &"x".repeat(129)] {
            assert_eq!(prefix(text), None, "{text}");
        }
    }
}
