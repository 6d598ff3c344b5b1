//! API keys: 256 random bits in hexadecimal digits, shown once, kept as SHA-256.
//!
//! A key is as long as a hash, so a fast hash is enough (nothing to guess). Its hash finds the row:
//! what the time of that search tells is about a hash, not about the key. The first eight characters
//! are kept so that people recognise a key in a list.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{auth::Error, config::Secret};

/// Characters of a key that are kept.
const PREFIX: usize = 8;
/// Longest text that is looked at.
const MAX_KEY: usize = 128;

/// A new key: the secret to show once, its prefix, its hash.
pub(in crate::auth) fn generate() -> Result<(Secret, String, String), Error> {
    let mut bits = [0u8; 32];
    getrandom::fill(&mut bits).map_err(|_| Error::Internal)?;
    let key = hex(&bits);
    let prefix = key.chars().take(PREFIX).collect();
    let hash = digest(&key);
    Ok((Secret::new(key), prefix, hash))
}

/// The hash of a presented key; `None` for what cannot be one.
pub(in crate::auth) fn hash(key: &str) -> Option<String> {
    (key.len() > PREFIX && key.len() <= MAX_KEY).then(|| digest(key))
}

/// Whether two hashes are the same, in a time that does not tell where they differ.
pub(in crate::auth) fn same(stored: &str, presented: &str) -> bool {
    stored.as_bytes().ct_eq(presented.as_bytes()).into()
}

fn digest(key: &str) -> String {
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
        assert!(one.expose().starts_with(&prefix_of_one) && prefix_of_one.len() == PREFIX);
        assert_eq!(hash(one.expose()), Some(hash_of_one));
    }

    #[test]
    fn what_cannot_be_a_key_has_no_hash() {
        for text in ["", "12345678", &"x".repeat(129)] {
            assert_eq!(hash(text), None, "{text}");
        }
        assert!(same("ab", "ab") && !same("ab", "ac") && !same("ab", "abc"));
    }
}
