//! The built binary: exit codes, what is on standard output and what is not (`faults.md` F49).

use std::{
    path::Path,
    process::{Command, Output},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn jethub(arguments: &[&str], variables: &[(&str, &str)], dir: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jethub"));
    command.args(arguments).current_dir(dir).env_clear().envs(variables.iter().copied());
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn wrong_settings_end_with_78_and_touch_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bad.toml");
    std::fs::write(&file, "[session]\nping_timeot = \"20s\"\n[limits]\nconnections = 0\n").unwrap();
    let begun = Instant::now();
    let output = jethub(
        &["serve", "--config", "bad.toml", "--state-dir", "state"],
        &[("JETHUB_AUTH__HS256_SECRET", SECRET), ("JETHUB_SESION__X", "1")],
        dir.path(),
    );
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(output.status.code(), Some(78));
    assert_eq!(text(&output.stdout), "");
    let said = text(&output.stderr);
    for expected in [
        "bad.toml:2: session.ping_timeot is not a setting; did you mean ping_timeout?",
        "bad.toml:4: limits.connections = 0 must be 1 to 10000000; the default is 50000",
        "environment JETHUB_SESION__X: is not a setting; ",
        "3 mistakes in the settings",
    ] {
        assert!(said.contains(expected), "{expected:?} is not in:\n{said}");
    }
    assert!(!dir.path().join("state").exists(), "nothing was created");
}

#[test]
fn serve_without_a_way_to_verify_tokens_prints_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let output = jethub(&["serve"], &[], dir.path());
    assert_eq!(output.status.code(), Some(78));
    let said = text(&output.stderr);
    assert!(said.contains("export JETHUB_AUTH__HS256_SECRET=\"$(openssl rand -hex 32)\""), "{said}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_token_is_all_that_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    let arguments = [
        "token",
        "--user",
        "ann",
        "--tenant",
        "acme=ADMIN",
        "--tenant",
        "b=MEMBER",
        "--platform-admin",
        "--ttl",
        "10m",
    ];
    let output = jethub(&arguments, &[("JETHUB_AUTH__HS256_SECRET", SECRET)], dir.path());
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    let printed = text(&output.stdout);
    let token = printed.strip_suffix('\n').unwrap();
    assert!(!token.contains(char::is_whitespace));
    let parts: Vec<Value> = token
        .split('.')
        .take(2)
        .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
        .collect();
    assert_eq!(parts[0]["alg"], "HS256");
    let claims = &parts[1];
    assert_eq!(claims["sub"], "ann");
    assert_eq!(claims["tenants"], serde_json::json!({ "acme": "ADMIN", "b": "MEMBER" }));
    assert_eq!(claims["platformAdmin"], true);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 600);
    assert_eq!(claims.as_object().unwrap().len(), 5);

    let output = jethub(&["token", "--user", "ann"], &[], dir.path());
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(78), String::new()));
}

#[test]
fn exit_codes_tell_usage_from_failure() {
    let dir = tempfile::tempdir().unwrap();
    for (arguments, code) in [
        (&["config", "check"][..], 78),
        (&["config", "reference"], 0),
        (&["--help"], 0),
        (&["--version"], 0),
        (&[], 2),
        (&["serv"], 2),
        (&["token"], 2),
        (&["tenant", "list"], 0),
        (&["member", "list", "--tenant", "nowhere"], 1),
        (&["config", "check", "--config", "nowhere.toml"], 78),
    ] {
        let output = jethub(arguments, &[], dir.path());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{}", text(&output.stderr));
        assert!(!text(&output.stderr).contains("panicked"), "{arguments:?}");
    }
}

#[test]
fn the_reference_is_checked_by_the_hub_that_printed_it() {
    let dir = tempfile::tempdir().unwrap();
    let reference = jethub(&["config", "reference"], &[], dir.path()).stdout;
    std::fs::write(dir.path().join("reference.toml"), reference).unwrap();
    let check = ["config", "check", "--config", "reference.toml"];
    let output = jethub(&check, &[("JETHUB_AUTH__HS256_SECRET", SECRET)], dir.path());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    // Nobody could be verified: the hub would not start with it.
    let output = jethub(&check, &[], dir.path());
    assert_eq!(output.status.code(), Some(78), "{}", text(&output.stderr));
}

#[test]
fn a_closed_pipe_is_no_panic() {
    let dir = tempfile::tempdir().unwrap();
    let script =
        format!("{} config reference 2>err | true; echo ${{PIPESTATUS[0]}}", env!("CARGO_BIN_EXE_jethub"));
    let output = Command::new("bash").args(["-c", &script]).current_dir(dir.path()).output().unwrap();
    assert_eq!(text(&output.stdout), "0\n");
    assert_eq!(std::fs::read_to_string(dir.path().join("err")).unwrap(), "");
}
