//! One process a database file and a state directory. The lock is the kernel's (`flock`), so the end
//! of the process ends it, however it ended: there is no stale lock.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::{Error, Target, connection::prepare_dir};

/// Held as long as the store is open.
#[derive(Debug)]
pub(crate) struct HubLock {
    _files: Vec<File>,
}

impl HubLock {
    /// Locks the state directory, and the SQLite file if it lies elsewhere. Blocking, but it never
    /// waits for the other process.
    pub(crate) fn take(target: &Target, state_dir: &Path) -> Result<Self, Error> {
        prepare_dir(state_dir)?;
        let mut files = vec![lock(state_dir.join("jethub.lock"))?];
        if let Target::Sqlite(file) = target {
            if let Some(dir) = file.parent().filter(|dir| !dir.as_os_str().is_empty()) {
                prepare_dir(dir)?;
            }
            let mut path = file.clone().into_os_string();
            path.push("-lock");
            files.push(lock(PathBuf::from(path))?);
        }
        Ok(Self { _files: files })
    }
}

fn lock(path: PathBuf) -> Result<File, Error> {
    let words = |error: std::io::Error| Error::unavailable(format_args!("{}: {error}", path.display()));
    let file =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(words)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked(path)),
        Err(TryLockError::Error(error)) => Err(words(error)),
    }
}
