//! Which file a source means: one below the directory of the settings, and never the hub's own.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
};

use serde_json::Value;

use crate::{
    datasource::{Error, Problem, Reason, settings::problem},
    store::Target,
};

/// What is wrong with the options of a source.
pub(in crate::datasource) fn problems(options: &Value) -> Vec<Problem> {
    match options.get("file").and_then(Value::as_str).map(relative) {
        Some(Some(_)) => Vec::new(),
        Some(None) => {
            let hint = "a relative path without .., below datasource.sqlite_dir";
            vec![problem("file", "file", "is not a path below the hub's directory of data sources", hint)]
        }
        None => vec![problem("file", "missing", "must be a text", "for example \"sales.db\"")],
    }
}

/// The path, if it is one that only goes down.
fn relative(text: &str) -> Option<&Path> {
    let path = Path::new(text);
    let down = path.components().all(|part| matches!(part, Component::Normal(_)));
    let plain = !text.is_empty() && text.len() <= 1024 && !text.chars().any(|c| c.is_control() || c == '?');
    (down && plain && !text.starts_with("file:")).then_some(path)
}

/// The file of a source; its true path, so that what is opened is what was checked.
pub(in crate::datasource) fn find(
    options: &Value,
    dir: Option<&Path>,
    own: &Target,
) -> Result<PathBuf, Error> {
    let Some(dir) = dir else {
        return Err(Error::Unavailable(
            "operators: datasource.sqlite_dir names where files of SQLite may be",
        ));
    };
    let path = options.get("file").and_then(Value::as_str).and_then(relative);
    let Some(path) = path else {
        return Err(Error::failed(
            Reason::Settings,
            "the data source names no file below the hub's directory",
        ));
    };
    // The same words for what is not there and what may not be read: the directory is not shown.
    let refused =
        || Error::failed(Reason::BlockedAddress, "the file of the data source is not in the hub's directory");
    let dir = dir.canonicalize().map_err(|_| refused())?;
    let found = dir.join(path).canonicalize().map_err(|_| refused())?;
    let about = fs::metadata(&found).map_err(|_| refused())?;
    if !found.starts_with(&dir) || !about.is_file() {
        return Err(refused());
    }
    // By its inode: a hard link is another name of the same file.
    if let Target::Sqlite(own) = own {
        let beside = |end: &str| {
            let mut name = own.clone().into_os_string();
            name.push(end);
            fs::metadata(name).is_ok_and(|own| own.ino() == about.ino() && own.dev() == about.dev())
        };
        if ["", "-wal", "-shm", "-journal"].into_iter().any(beside) {
            let message = "the data source is the hub's own database; no setting permits it";
            return Err(Error::failed(Reason::BlockedAddress, message));
        }
    }
    Ok(found)
}
