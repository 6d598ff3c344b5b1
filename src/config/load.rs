//! Reads the settings in layers, each over the one before: defaults, the file, credentials, the
//! environment, flags.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::{
    document,
    problem::{Mistakes, Place, Problem},
    schema::{Fault, Rules, suggest},
    sections::Config,
    validate,
};

/// Where the file is looked for when no flag names one.
pub const DEFAULT_FILE: &str = "/etc/jethub/jethub.toml";
const PREFIX: &str = "JETHUB_";

/// What the command line says about settings.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<String>,
    /// `--database`.
    pub database: Option<String>,
    /// `--state-dir`.
    pub state_dir: Option<PathBuf>,
}

/// What the process was started with.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Variables.
    pub variables: Vec<(String, String)>,
    /// The file to read when no flag names one, if it is there.
    pub default_file: Option<PathBuf>,
}

impl Environment {
    /// Of this process.
    pub fn of_process() -> Self {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        });
        Self { variables: variables.collect(), default_file: Some(PathBuf::from(DEFAULT_FILE)) }
    }
    fn get(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Settings that hold, and what should be said about them.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// The file they came from, if one was read.
    pub file: Option<PathBuf>,
    /// Not mistakes, but worth a line in the log.
    pub warnings: Vec<String>,
}

/// Reads everything, or tells every mistake. Opens nothing but the file and the credentials.
pub fn load(flags: &Flags, environment: &Environment) -> Result<Loaded, Mistakes> {
    let mut layers = Layers::new();
    if let Some(dir) = environment.get("STATE_DIRECTORY").and_then(|list| list.split(':').next())
        && !dir.is_empty()
    {
        let value = Value::String(dir.to_owned());
        layers.set("server", "state_dir", value, Place::Env("STATE_DIRECTORY".to_owned()));
    }
    let file = flags.config.clone().or_else(|| environment.default_file.clone().filter(|path| path.exists()));
    if let Some(path) = &file {
        layers.file(path);
    }
    if let Some(dir) = environment.get("CREDENTIALS_DIRECTORY") {
        layers.credentials(Path::new(dir));
    }
    layers.environment(environment);
    let state_dir = flags.state_dir.as_ref().map(|path| path.display().to_string());
    for (flag, section, key, text) in [
        ("--listen", "server", "listen", &flags.listen),
        ("--database", "database", "url", &flags.database),
        ("--state-dir", "server", "state_dir", &state_dir),
    ] {
        if let Some(text) = text {
            layers.set(section, key, Value::String(text.clone()), Place::Flag(flag));
        }
    }
    layers.finish(file)
}

struct Layers {
    rules: Rules,
    merged: Map<String, Value>,
    /// Where the value that holds was given, by path.
    places: HashMap<String, Place>,
    problems: Vec<Problem>,
    warnings: Vec<String>,
}

impl Layers {
    fn new() -> Self {
        Self {
            rules: Rules::of_config(),
            merged: Map::new(),
            places: HashMap::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn fault(&mut self, place: Place, fault: Fault) {
        let Fault { path, value, rule, advice } = fault;
        self.problems.push(Problem { place, key: path, value, rule, advice });
    }

    /// Takes one value, or tells what is wrong with it.
    fn set(&mut self, section: &str, key: &str, value: Value, place: Place) {
        let path = document::join(section, key);
        let Some(node) = self.rules.setting(section, key) else { return };
        let faults = self.rules.check(node, &path, &value);
        if !faults.is_empty() {
            faults.into_iter().for_each(|fault| self.fault(place.clone(), fault));
            return;
        }
        self.places.retain(|known, _| !known.starts_with(&format!("{path}[")));
        self.places.insert(path, place);
        let table = self.merged.entry(section).or_insert_with(|| Value::Object(Map::new()));
        if let Some(table) = table.as_object_mut() {
            table.insert(key.to_owned(), value);
        }
    }

    fn file(&mut self, path: &Path) {
        let whole = Place::File { path: path.to_owned(), line: 0 };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                let rule = format!("cannot be read: {error}");
                let advice = "name a file that is there with --config".to_owned();
                self.problems.push(Problem { place: whole, key: String::new(), value: None, rule, advice });
                return;
            }
        };
        let document = document::parse(&text);
        for (line, message) in document.syntax {
            let place = Place::File { path: path.to_owned(), line };
            let rule = format!("is not TOML: {message}");
            self.problems.push(Problem {
                place,
                key: String::new(),
                value: None,
                rule,
                advice: String::new(),
            });
        }
        let place_of = |key: &str| {
            let mut key = key;
            loop {
                if let Some(line) = document.lines.get(key) {
                    return Place::File { path: path.to_owned(), line: *line };
                }
                match key.rfind(['.', '[']) {
                    Some(end) => key = key.get(..end).unwrap_or_default(),
                    None => return whole.clone(),
                }
            }
        };
        let root = Value::Object(document.value.clone());
        let faults = self.rules.check(self.rules.root(), "", &root);
        let bad: Vec<String> = faults.iter().map(|fault| fault.path.clone()).collect();
        for fault in faults {
            self.fault(place_of(&fault.path), fault);
        }
        let mut secret = false;
        for (section, table) in &document.value {
            for (key, value) in table.as_object().into_iter().flatten() {
                let path = document::join(section, key);
                if bad.iter().any(|bad| bad.starts_with(&path)) {
                    continue;
                }
                secret |= is_secret(section, key, value);
                self.set(section, key, value.clone(), place_of(&path));
            }
        }
        self.places.extend(
            document
                .lines
                .iter()
                .filter(|(key, _)| key.contains('['))
                .map(|(key, line)| (key.clone(), Place::File { path: path.to_owned(), line: *line })),
        );
        if secret {
            self.warn_if_wide(path);
        }
    }

    fn credentials(&mut self, dir: &Path) {
        for (section, key) in self.rules.settings() {
            let path = dir.join(format!("{section}.{key}"));
            let text = match std::fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    let rule = format!("cannot be read: {error}");
                    let place = Place::Credential(path);
                    let key = document::join(&section, &key);
                    self.problems.push(Problem { place, key, value: None, rule, advice: String::new() });
                    continue;
                }
            };
            self.warn_if_wide(&path);
            self.set_text(&section, &key, text.trim_end_matches(['\r', '\n']), Place::Credential(path));
        }
    }

    fn environment(&mut self, environment: &Environment) {
        let settings = self.rules.settings();
        let name_of =
            |(section, key): &(String, String)| format!("{PREFIX}{section}__{key}").to_ascii_uppercase();
        let names: Vec<String> = settings.iter().map(name_of).collect();
        let mut given: Vec<_> =
            environment.variables.iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
        given.sort();
        for (name, text) in given {
            match settings.iter().zip(&names).find(|(_, known)| *known == name) {
                Some(((section, key), _)) => self.set_text(section, key, text, Place::Env(name.clone())),
                None => {
                    let advice = suggest(name, names.iter().map(String::as_str));
                    let (key, rule) = (String::new(), "is not a setting".to_owned());
                    let place = Place::Env(name.clone());
                    self.problems.push(Problem { place, key, value: None, rule, advice });
                }
            }
        }
    }

    fn set_text(&mut self, section: &str, key: &str, text: &str, place: Place) {
        let Some(node) = self.rules.setting(section, key) else { return };
        let value = self.rules.read_text(node, text);
        self.set(section, key, value, place);
    }

    fn warn_if_wide(&mut self, path: &Path) {
        use std::os::unix::fs::PermissionsExt;
        let Ok(metadata) = std::fs::metadata(path) else { return };
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let path = path.display();
            self.warnings.push(format!(
                "{path} holds a secret and has mode {mode:04o}: others may read it; chmod 0600 {path}"
            ));
        }
    }

    /// A rule that does not hold is told from the side of the key that somebody gave.
    fn breach(&mut self, breach: validate::Breach) {
        let validate::Breach { keys, mut value, mut rule, advice, mirrored } = breach;
        let given = keys.iter().position(|key| self.places.contains_key(key));
        let place = given.and_then(|index| self.places.get(keys.get(index)?)).cloned();
        let mut key = keys.first().cloned().unwrap_or_default();
        if let (Some(1..), Some((other, told))) = (given, mirrored) {
            (value, rule) = (Some(other), told);
            key = keys.get(1).cloned().unwrap_or_default();
        }
        let place = place.unwrap_or(Place::Default);
        self.problems.push(Problem { place, key, value, rule, advice });
    }

    fn finish(mut self, file: Option<PathBuf>) -> Result<Loaded, Mistakes> {
        let config: Config = match serde_json::from_value(Value::Object(std::mem::take(&mut self.merged))) {
            Ok(config) => config,
            Err(error) => {
                let rule = format!("cannot be taken: {error}");
                let (place, key) = (Place::Default, String::new());
                self.problems.push(Problem { place, key, value: None, rule, advice: String::new() });
                return Err(Mistakes(self.problems));
            }
        };
        let bad: Vec<String> = self.problems.iter().map(|problem| problem.key.clone()).collect();
        for breach in validate::validate(&config) {
            // What rests on a value that is refused already says nothing new.
            if breach.keys.iter().any(|key| bad.iter().any(|bad| bad.starts_with(key))) {
                continue;
            }
            self.breach(breach);
        }
        if let Some(Place::Flag(flag)) = self.places.get("database.url")
            && config.database.url.as_ref().is_some_and(|url| has_password(url.expose()))
        {
            self.warnings.push(format!(
                "{flag} holds a password, and every user of this machine can read command lines; use JETHUB_DATABASE__URL or a credential"
            ));
        }
        if self.problems.is_empty() {
            Ok(Loaded { config, file, warnings: self.warnings })
        } else {
            Err(Mistakes(self.problems))
        }
    }
}

fn is_secret(section: &str, key: &str, value: &Value) -> bool {
    match (section, key) {
        ("auth", "hs256_secret") | ("datasource", "key" | "service_token") => true,
        ("database", "url") => value.as_str().is_some_and(has_password),
        _ => false,
    }
}

fn has_password(url: &str) -> bool {
    url.contains("password=") || url::Url::parse(url).is_ok_and(|url| url.password().is_some())
}
