//! Credentials at rest.

use std::os::unix::fs::PermissionsExt;

use crate::{
    config::{Secret, sections::DataSource},
    datasource::{Vault, seal::SealError},
    ids::TenantId,
};

const CANARY: &str = "canary-5eeds-of-pa55word";

fn tenant(name: &str) -> TenantId {
    TenantId::trusted(name)
}

#[test]
fn a_sealed_text_opens_for_its_own_record_only() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::open(&DataSource::default(), dir.path()).unwrap();
    let sealed = vault.seal(&tenant("t"), "source", CANARY).unwrap();
    assert!(!sealed.contains("canary") && sealed.starts_with("v1."), "{sealed}");
    assert_ne!(sealed, vault.seal(&tenant("t"), "source", CANARY).unwrap(), "a nonce is never used twice");
    assert_eq!(vault.unseal(&tenant("t"), "source", &sealed).unwrap().expose(), CANARY);
    for (other, record) in [("u", "source"), ("t", "other"), ("t/source", ""), ("", "t/source")] {
        let error = vault.unseal(&tenant(other), record, &sealed).unwrap_err();
        assert_eq!(error, SealError::Damaged, "{other} {record}");
    }
    let mut changed = sealed.clone().into_bytes();
    let last = changed.len() - 3;
    changed[last] = if changed[last] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap();
    for text in [changed.as_str(), "", "v1", "v2.x.y", "v1.deadbeef", "plain text", CANARY] {
        assert!(vault.unseal(&tenant("t"), "source", text).is_err(), "{text}");
    }
}

#[test]
fn the_key_is_made_once_and_for_its_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::open(&DataSource::default(), dir.path()).unwrap();
    let file = dir.path().join("datasource.key");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let sealed = vault.seal(&tenant("t"), "r", CANARY).unwrap();
    let again = Vault::open(&DataSource::default(), dir.path()).unwrap();
    assert_eq!(again.unseal(&tenant("t"), "r", &sealed).unwrap().expose(), CANARY);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!format!("{vault:?}").contains(text.trim()));
}

#[test]
fn a_new_first_key_leaves_the_old_ones_readable() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("keys");
    let settings = DataSource { key_file: Some(file.clone()), ..DataSource::default() };
    let (old, new) = ("1".repeat(64), "2".repeat(64));
    std::fs::write(&file, &old).unwrap();
    let sealed = Vault::open(&settings, dir.path()).unwrap().seal(&tenant("t"), "r", CANARY).unwrap();
    std::fs::write(&file, format!("# now\n{new}\n\n{old}\n")).unwrap();
    let vault = Vault::open(&settings, dir.path()).unwrap();
    assert_eq!(vault.unseal(&tenant("t"), "r", &sealed).unwrap().expose(), CANARY);
    let fresh = vault.seal(&tenant("t"), "r", CANARY).unwrap();
    let only_new = DataSource { key: Some(Secret::new(new)), ..DataSource::default() };
    let only_new = Vault::open(&only_new, dir.path()).unwrap();
    assert_eq!(only_new.unseal(&tenant("t"), "r", &fresh).unwrap().expose(), CANARY);
    assert_eq!(only_new.unseal(&tenant("t"), "r", &sealed).unwrap_err(), SealError::UnknownKey);
    for bad in ["", "abc", &"g".repeat(64), &"é".repeat(32)] {
        std::fs::write(&file, bad).unwrap();
        let error = Vault::open(&settings, dir.path()).unwrap_err().to_string();
        assert!(bad.is_empty() || !error.contains(bad), "{error}");
    }
}
