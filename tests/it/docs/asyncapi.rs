//! `jethub asyncapi`, read by `@asyncapi/parser` from npm.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::harness::driver;

#[test]
fn the_parser_of_asyncapi_finds_no_fault() {
    driver::install();
    let printed = Command::new(env!("CARGO_BIN_EXE_jethub")).arg("asyncapi").env_clear().output().unwrap();
    assert!(printed.status.success());
    let mut parser = Command::new("node")
        .arg("asyncapi.mjs")
        .current_dir(driver::folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    parser.stdin.take().unwrap().write_all(&printed.stdout).unwrap();
    let output = parser.wait_with_output().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    // Severity 2 and 3 are hints of taste; the missing contact is a person whom the hub cannot know.
    let faults = said["faults"].as_array().unwrap().iter().filter(|fault| {
        let contact = fault["message"].as_str().is_some_and(|message| message.contains("contact"));
        fault["severity"].as_u64() < Some(2) && !contact
    });
    assert_eq!(faults.collect::<Vec<_>>(), Vec::<&Value>::new());
    assert!(said["channels"].as_u64() >= Some(6), "{said}");
}
