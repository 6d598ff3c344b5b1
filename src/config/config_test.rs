//! Layers, mistakes, reference.

use std::path::{Path, PathBuf};

use super::*;

/// A mistaken file, and exactly what is said about it (`F` stands for the file's path).
const BAD: &[(&str, &[&str])] = &[
    (
        "[session]\nping_timeot = \"20s\"\n",
        &["F:2: session.ping_timeot is not a setting; did you mean ping_timeout?"],
    ),
    ("[sesion]\nping_timeout = \"20s\"\n", &["F:1: sesion is not a setting; did you mean session?"]),
    (
        "[session]\nping_timeout = \"0s\"\n",
        &["F:2: session.ping_timeout = \"0s\" must be 100ms to 1h; the default is \"20s\""],
    ),
    (
        "[session]\nping_timeout = 20\n",
        &[
            "F:2: session.ping_timeout = 20 must be a duration: a whole number and ms, s, m, h or d, like \"25s\"; the default is \"20s\"",
        ],
    ),
    (
        "[session]\nmax_payload = \"4 apples\"\n",
        &[
            "F:2: session.max_payload = \"4 apples\" must be a size: a whole number of bytes, or one with KB, MB, GB, KiB, MiB or GiB, like \"4MiB\"; the default is \"1MB\"",
        ],
    ),
    (
        "[limits]\nevents = \"50\"\n",
        &[
            "F:2: limits.events = \"50\" must be a rate, like \"20/s\", \"5/m\", \"20/10s\" or \"1MB/s burst 4MB\"; the default is \"50/s burst 200\"",
        ],
    ),
    (
        "[limits]\nconnections = 0\n",
        &["F:2: limits.connections = 0 must be 1 to 10000000; the default is 50000"],
    ),
    (
        "[limits]\nconnections = \"many\"\n",
        &["F:2: limits.connections = \"many\" must be a whole number without quotes; the default is 50000"],
    ),
    (
        "[script]\nenabled = \"yes\"\n",
        &["F:2: script.enabled = \"yes\" must be true or false, without quotes; the default is true"],
    ),
    (
        "[journal]\nsynchronous = \"OFF\"\n",
        &["F:2: journal.synchronous = \"OFF\" must be \"FULL\" or \"NORMAL\"; the default is \"FULL\""],
    ),
    ("server = 3\n", &["F:1: server = 3 must be a table"]),
    ("[outbound]\nports = 80\n", &["F:2: outbound.ports = 80 must be a list; the default is [80,443]"]),
    ("[outbound]\nports = [80,\n  70000]\n", &["F:3: outbound.ports[1] = 70000 must be 0 to 65535"]),
    (
        "[server]\nlisten = \"3000\"\n",
        &[
            "F:2: server.listen = \"3000\" must be an address and a port; the default is \"127.0.0.1:3000\"; all addresses are \"0.0.0.0:3000\" or \"[::]:3000\"",
        ],
    ),
    (
        "[server]\nallowed_origins = [\n  \"*\",\n  \"https://app.example.com/\",\n]\n",
        &[
            "F:4: server.allowed_origins[1] = \"https://app.example.com/\" must be an origin as browsers send it: scheme, host and port, without a path; for example \"https://app.example.com\"",
        ],
    ),
    (
        "[server]\ntrusted_proxies = [\"10.0.0.0/33\"]\n",
        &[
            "F:2: server.trusted_proxies[0] = \"10.0.0.0/33\" must be an address or a range; for example \"10.0.0.0/8\"",
        ],
    ),
    (
        "[database]\nurl = \"mysql://root@db/jethub\"\n",
        &[
            "F:2: database.url = \"***\" must begin with sqlite: or postgresql:; for example \"sqlite:/var/lib/jethub/jethub.db\" or \"postgresql:///jethub?host=/run/postgresql\"",
        ],
    ),
    (
        "[auth]\nhs256_secret = \"short\"\n",
        &[
            "F:2: auth.hs256_secret = \"***\" must have at least 32 bytes, this one has 5; make one with: openssl rand -hex 32",
        ],
    ),
    (
        "[auth]\n[[auth.issuers]]\nissuer = \"https://a\"\naudience = [\"x\"]\nkind = \"jwks\"\n",
        &[
            "F:5: auth.issuers[0].kind = \"jwks\" must be \"jwks_file\" or \"jwks_url\" or \"firebase\"; for example \"jwks_url\"",
        ],
    ),
    (
        "[[auth.issuers]]\nkind = \"jwks_url\"\nissuer = \"https://a\"\n",
        &[
            "F:1: auth.issuers[0].url is missing: kind jwks_url fetches its keys there; for example \"https://id.example.com/.well-known/jwks.json\"",
            "F:1: auth.issuers[0].audience is missing: a token for somebody else would be taken otherwise; for example [\"jethub\"]",
        ],
    ),
    (
        "[[auth.issuers]]\nkind = \"jwks_url\"\nissuer = \"https://a\"\naudience = [\"b\"]\nurl = \"http://a/keys\"\n",
        &[
            "F:5: auth.issuers[0].url = \"http://a/keys\" must be an https address (http only on this machine); for example \"https://id.example.com/.well-known/jwks.json\"",
        ],
    ),
    (
        "[[auth.issuers]]\nissuer = \"https://a\"\n",
        &["F:1: auth.issuers[0].kind is missing; for example \"jwks_url\""],
    ),
    (
        "[log]\nlevel = \"loud\"\n",
        &[
            "F:2: log.level = \"loud\" has \"loud\", which is none of error, warn, info, debug, trace, off, nor module=level; for example \"info,jethub::session=debug\"",
        ],
    ),
    (
        "[delivery]\nqueue_bytes = \"1GiB\"\n",
        &[
            "F:2: delivery.queue_bytes = \"1GiB\" must be at most delivery.queue_bytes_total = \"512MiB\"; lower the one or raise the other",
        ],
    ),
    (
        "[supervise]\nreplace_after = \"1s\"\n",
        &[
            "F:2: supervise.replace_after = \"1s\" must be at least supervise.stall_alarm = \"5s\"; lower the one or raise the other",
        ],
    ),
    (
        "[limits]\nconnections = 0\nconections = 1\n[session]\nping_timeout = \"20\"\n[drain]\ndeadline = true\n",
        &[
            "F:2: limits.connections = 0 must be 1 to 10000000; the default is 50000",
            "F:3: limits.conections is not a setting; did you mean connections?",
            "F:5: session.ping_timeout = \"20\" must be a duration: a whole number and ms, s, m, h or d, like \"25s\"; the default is \"20s\"",
            "F:7: drain.deadline = true must be a duration: a whole number and ms, s, m, h or d, like \"25s\"; the default is \"25s\"",
        ],
    ),
];

fn write(dir: &Path, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = dir.join("jethub.toml");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn load_text(text: &str, variables: &[(&str, &str)], flags: Flags) -> Result<Loaded, Vec<String>> {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), text);
    let flags = Flags { config: Some(path.clone()), ..flags };
    load(&flags, &environment(variables)).map_err(|mistakes| {
        let path = path.display().to_string();
        mistakes.0.iter().map(|problem| problem.to_string().replace(&path, "F")).collect()
    })
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Environment { variables: variables.collect(), default_file: None }
}

#[test]
fn every_mistake_is_told_with_place_value_rule_and_remedy() {
    for (text, expected) in BAD {
        match load_text(text, &[], Flags::default()) {
            Ok(_) => panic!("taken:\n{text}"),
            Err(mut said) => {
                said.sort();
                let mut expected: Vec<_> = expected.iter().map(|line| (*line).to_owned()).collect();
                expected.sort();
                assert_eq!(said, expected, "for:\n{text}");
            }
        }
    }
}

#[test]
fn text_that_is_not_toml_is_told_with_its_lines() {
    let said =
        load_text("[server\nlisten = \"a:1\"\n[log]\nlevel = info\n", &[], Flags::default()).unwrap_err();
    assert!(said.iter().any(|line| line.starts_with("F:1: is not TOML: ")), "{said:#?}");
    assert!(said.iter().any(|line| line.starts_with("F:4: is not TOML: ")), "{said:#?}");
}

#[test]
fn a_file_that_is_not_there_is_a_mistake() {
    let flags = Flags { config: Some("/nowhere/jethub.toml".into()), ..Flags::default() };
    let said = load(&flags, &environment(&[])).unwrap_err().to_string();
    assert_eq!(
        said,
        "/nowhere/jethub.toml: cannot be read: No such file or directory (os error 2); name a file that is there with --config"
    );
}

#[test]
fn each_layer_is_over_the_one_before() {
    let file = "[server]\nlisten = \"127.0.0.1:1\"\n[session]\nping_interval = \"1s\"\nping_timeout = \"1s\"\nmax_payload = 2000\n";
    let credentials = tempfile::tempdir().unwrap();
    for (name, value) in [("session.ping_interval", "2s\n"), ("session.ping_timeout", "2s\n")] {
        std::fs::write(credentials.path().join(name), value).unwrap();
    }
    let variables = [
        ("CREDENTIALS_DIRECTORY", credentials.path().to_str().unwrap()),
        ("STATE_DIRECTORY", "/var/lib/jethub"),
        ("JETHUB_SESSION__PING_TIMEOUT", "3s"),
        ("JETHUB_SERVER__LISTEN", "127.0.0.1:3"),
        ("JETHUB_LIMITS__CONNECTIONS", "1_000"),
        ("JETHUB_SCRIPT__ENABLED", "false"),
        ("JETHUB_OUTBOUND__PORTS", "[80, 8080]"),
        ("JETHUB_SERVER__ALLOWED_ORIGINS", "http://a, http://b:1"),
    ];
    let flags = Flags { listen: Some("127.0.0.1:4".to_owned()), ..Flags::default() };
    let config = load_text(file, &variables, flags).unwrap().config;
    assert_eq!(config.server.listen, "127.0.0.1:4");
    assert_eq!(config.session.ping_timeout.to_string(), "3s");
    assert_eq!(config.session.ping_interval.to_string(), "2s");
    assert_eq!(config.session.max_payload.get(), 2000);
    assert_eq!(config.server.state_dir, Path::new("/var/lib/jethub"));
    assert_eq!((config.limits.connections, config.script.enabled), (1000, false));
    assert_eq!(config.outbound.ports, [80, 8080]);
    assert_eq!(config.server.allowed_origins, ["http://a", "http://b:1"]);
    assert_eq!(config.session.upgrade_timeout.to_string(), "10s", "a default");
}

#[test]
fn mistakes_of_the_environment_and_of_flags_name_them() {
    let variables = [
        ("JETHUB_SESION__PING_TIMEOUT", "3s"),
        ("JETHUB_LIMITS__CONNECTIONS", "many"),
        ("JETHUB_AUTH__HS256_SECRET", "tiny"),
        ("PATH", "/bin"),
    ];
    let flags = Flags { database: Some("oracle:x".to_owned()), ..Flags::default() };
    let said = load_text("", &variables, flags).unwrap_err();
    assert_eq!(
        said,
        [
            "environment JETHUB_LIMITS__CONNECTIONS: limits.connections = \"many\" must be a whole number without quotes; the default is 50000",
            "environment JETHUB_SESION__PING_TIMEOUT: is not a setting; did you mean JETHUB_SESSION__PING_TIMEOUT?",
            "flag --database: database.url = \"***\" must begin with sqlite: or postgresql:; for example \"sqlite:/var/lib/jethub/jethub.db\" or \"postgresql:///jethub?host=/run/postgresql\"",
            "environment JETHUB_AUTH__HS256_SECRET: auth.hs256_secret = \"***\" must have at least 32 bytes, this one has 4; make one with: openssl rand -hex 32",
        ]
    );
}

#[test]
fn a_postgresql_elsewhere_is_never_spoken_to_in_clear_text_in_silence() {
    let taken = |url: &str| load_text("", &[("JETHUB_DATABASE__URL", url)], Flags::default()).is_ok();
    for url in [
        "postgresql:///jethub",
        "postgres://localhost/jethub",
        "postgres://127.0.0.1:5433/jethub",
        "postgres://[::1]/jethub",
        "postgresql:///jethub?host=/run/postgresql",
        "postgres://db.example.com/jethub?sslmode=disable",
        "sqlite:/tmp/x.db",
    ] {
        assert!(taken(url), "{url}");
    }
    for url in [
        "postgres://db.example.com/jethub",
        "postgres://db.example.com/jethub?sslmode=prefer",
        "postgres://db.example.com/jethub?sslmode=require",
        "postgres://localhost/jethub?host=db.example.com",
        "postgres://localhost/jethub?hostaddr=10.0.0.1",
        "postgresql:///jethub?host=localhost,10.0.0.1",
    ] {
        assert_eq!(taken(url), cfg!(feature = "postgres-tls"), "{url}");
    }
}

#[test]
fn secrets_that_others_can_read_are_warned_about_and_never_shown() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let secret = "0123456789abcdef0123456789abcdef";
    let path = write(dir.path(), &format!("[auth]\nhs256_secret = \"{secret}\"\n"));
    let flags = Flags { config: Some(path.clone()), ..Flags::default() };
    assert!(load(&flags, &environment(&[])).unwrap().warnings.is_empty());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let loaded = load(&flags, &environment(&[])).unwrap();
    assert!(loaded.warnings.iter().any(|line| line.contains("0644") && line.contains("chmod 0600")));
    assert!(!format!("{loaded:?}").contains(secret));
    assert_eq!(loaded.config.auth.hs256_secret.unwrap().expose(), secret);

    let flags = Flags { database: Some("postgres://a:pw@localhost/x".to_owned()), ..Flags::default() };
    let warnings = load(&flags, &environment(&[])).unwrap().warnings;
    assert!(warnings.iter().any(|line| line.starts_with("--database holds a password")), "{warnings:?}");
}

#[test]
fn without_a_way_to_verify_tokens_the_remedy_is_printed() {
    let said = require_verifier(&Config::default()).unwrap_err().to_string();
    assert!(said.contains("openssl rand -hex 32"), "{said}");
}

#[test]
fn the_reference_in_the_repository_is_what_is_printed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/config/reference.toml");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == reference(), "run: jethub config reference > config/reference.toml");
}

#[test]
fn the_reference_is_the_defaults_and_the_example_is_taken() {
    let loaded = load_text(&reference(), &[], Flags::default()).unwrap();
    let defaults = serde_json::to_value(Config::default()).unwrap();
    assert_eq!(serde_json::to_value(loaded.config).unwrap(), defaults);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/config/jethub.toml");
    let flags = Flags { config: Some(path.into()), ..Flags::default() };
    if let Err(mistakes) = load(&flags, &environment(&[])) {
        panic!("{mistakes}");
    }
}

#[test]
fn each_default_keeps_its_own_rules() {
    assert!(validate::validate(&Config::default()).is_empty());
    let rules = schema::Rules::of_config();
    let defaults = serde_json::to_value(Config::default()).unwrap();
    for (section, key) in rules.settings() {
        let value = &defaults[&section][&key];
        let node = rules.setting(&section, &key).unwrap();
        let faults = if value.is_null() { Vec::new() } else { rules.check(node, &key, value) };
        assert!(faults.is_empty(), "{section}.{key}: {faults:?}");
    }
}
