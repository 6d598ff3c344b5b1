//! Keys: API keys as they are made and compared, and the key sets of issuers.
//!
//! `api_key` makes a key, its prefix and the hash that is stored; `jwks` parses, keeps and refreshes
//! the sets that tokens are verified with. Neither decides who somebody is: that is `auth::service`.

pub(super) mod api_key;
pub(super) mod jwks;
