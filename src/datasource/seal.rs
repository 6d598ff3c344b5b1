//! Credentials at rest: AES-256-GCM, bound to the tenant and the record they belong to.
//!
//! A sealed text is `v1.<key id>.<base64 of nonce and ciphertext>`. The key id is the beginning of
//! the key's SHA-256, so that a key can be changed: put the new one first in the file, the old ones
//! stay below it until every credential has been saved again.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD as BASE64};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    config::{Secret, sections as config},
    ids::TenantId,
};

const VERSION: &str = "v1";
const NONCE: usize = 12;
/// The file in the state directory, if `datasource.key_file` names no other.
const DEFAULT_FILE: &str = "datasource.key";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or made.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What is there is no key.
    #[error("{0} must be 64 hex digits, made for example with: openssl rand -hex 32")]
    NotAKey(String),
    /// The machine gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(String),
}

/// Why a text was not sealed or not opened. It says nothing about the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Not a sealed text, or it was changed, or it belongs to another tenant or record.
    #[error("the stored credential cannot be read")]
    Damaged,
    /// Sealed under a key that is not here.
    #[error("the stored credential was encrypted with a key that this hub does not have")]
    UnknownKey,
    /// The machine gives no random bytes.
    #[error("the credential could not be encrypted")]
    Random,
}

/// The keys. Cheap to clone; never prints one.
#[derive(Clone)]
pub struct Vault {
    keys: Arc<[Key]>,
}

struct Key {
    id: String,
    cipher: Aes256Gcm,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<_> = self.keys.iter().map(|key| &key.id).collect();
        f.debug_struct("Vault").field("keys", &ids).finish()
    }
}

impl Vault {
    /// The key of the settings, else those of the file, which is made if it is not there.
    pub fn open(settings: &config::DataSource, state_dir: &Path) -> Result<Self, KeyError> {
        if let Some(key) = &settings.key {
            return Self::of_text(key.expose(), "datasource.key");
        }
        let path = settings.key_file.clone().unwrap_or_else(|| state_dir.join(DEFAULT_FILE));
        let failed = |source| KeyError::File { path: path.clone(), source };
        let text = match fs::read_to_string(&path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(&path)?,
            Err(error) => return Err(failed(error)),
        };
        let mode = fs::metadata(&path).map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            log::warn!("{} can be read by others: mode {mode:o}, expected 600", path.display());
        }
        Self::of_text(&text, &path.display().to_string())
    }

    fn of_text(text: &str, place: &str) -> Result<Self, KeyError> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys = lines.map(|line| Key::parse(line).ok_or_else(|| KeyError::NotAKey(place.to_owned())));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(KeyError::NotAKey(place.to_owned()));
        }
        Ok(Self { keys: keys.into() })
    }

    /// Encrypts a credential of a record of the tenant.
    pub fn seal(&self, tenant: &TenantId, record: &str, plain: &str) -> Result<String, SealError> {
        let key = self.keys.first().ok_or(SealError::UnknownKey)?;
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| SealError::Random)?;
        let aad = bound_to(tenant, record, &key.id);
        let payload = Payload { msg: plain.as_bytes(), aad: &aad };
        let sealed = key.cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| SealError::Random)?;
        let whole = [nonce.as_slice(), &sealed].concat();
        Ok(format!("{VERSION}.{}.{}", key.id, BASE64.encode(whole)))
    }

    /// Decrypts it again, for the same tenant and record only.
    pub fn unseal(&self, tenant: &TenantId, record: &str, sealed: &str) -> Result<Secret, SealError> {
        let mut parts = sealed.split('.');
        let (Some(VERSION), Some(id), Some(text), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(SealError::Damaged);
        };
        let key = self.keys.iter().find(|key| key.id == id).ok_or(SealError::UnknownKey)?;
        let whole = BASE64.decode(text).map_err(|_| SealError::Damaged)?;
        let (nonce, sealed) = whole.split_first_chunk::<NONCE>().ok_or(SealError::Damaged)?;
        let payload = Payload { msg: sealed, aad: &bound_to(tenant, record, id) };
        let plain = key.cipher.decrypt(&Nonce::from(*nonce), payload).map_err(|_| SealError::Damaged)?;
        String::from_utf8(plain).map(Secret::new).map_err(|_| SealError::Damaged)
    }
}

impl Key {
    fn parse(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
        }
        let id = Sha256::digest(bytes.as_slice()).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let cipher = Aes256Gcm::new_from_slice(bytes.as_slice()).ok()?;
        Some(Self { id, cipher })
    }
}

/// What a sealed text is bound to; lengths keep the parts apart.
fn bound_to(tenant: &TenantId, record: &str, key: &str) -> Vec<u8> {
    format!("{VERSION}/{key}/{}/{}/{record}", tenant.as_str().len(), tenant.as_str()).into_bytes()
}

/// A new key, whole on the disk before anybody uses it.
fn make(path: &Path) -> Result<Zeroizing<String>, KeyError> {
    let failed = |source| KeyError::File { path: path.to_owned(), source };
    let mut bytes = Zeroizing::new([0_u8; 32]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|error| KeyError::Random(error.to_string()))?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = Zeroizing::new(format!("{hex}\n"));
    let fresh = path.with_extension("key.new");
    let _ = fs::remove_file(&fresh);
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    // Another hub may have been faster: then its key is the one.
    match fs::hard_link(&fresh, path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let _ = fs::remove_file(&fresh);
            return fs::read_to_string(path).map(Zeroizing::new).map_err(failed);
        }
        Err(error) => return Err(failed(error)),
    }
    let _ = fs::remove_file(&fresh);
    if let Some(parent) = path.parent() {
        let _ = fs::File::open(parent).and_then(|directory| directory.sync_all());
    }
    log::info!("made {}: the key of stored credentials; back it up", path.display());
    Ok(text)
}
