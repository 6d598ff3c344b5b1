//! The surface of the command line.

use clap::{CommandFactory, Parser};

use super::Arguments;

#[test]
fn the_arguments_are_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn the_help_is_as_written_down() {
    let mut command = Arguments::command().term_width(100);
    command.build();
    let mut text = String::new();
    let mut open = vec![command];
    while let Some(mut command) = open.pop() {
        let name = command.get_bin_name().unwrap_or("jethub").to_owned();
        text.push_str(&format!("$ {name} --help\n{}\n", command.render_help()));
        let mut inner: Vec<_> =
            command.get_subcommands().filter(|inner| inner.get_name() != "help").cloned().collect();
        inner.reverse();
        open.append(&mut inner);
    }
    insta::assert_snapshot!("help", text);
}

#[test]
fn wrong_usage_is_told() {
    for (arguments, expected) in [
        (vec!["token"], "--user <ID>"),
        (vec!["token", "--user", ""], "1 to 128 bytes"),
        (vec!["token", "--user", "a", "--tenant", "acme"], "TENANT=ROLE"),
        (vec!["token", "--user", "a", "--ttl", "1 week"], "must be a duration"),
        (vec!["serv"], "serve"),
    ] {
        let error = Arguments::try_parse_from([&["jethub"], &arguments[..]].concat()).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains(expected), "{error}");
    }
}
