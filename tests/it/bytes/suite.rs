//! The rows with a course of their own, several times in a row.

use crate::harness::{Target, cases::in_a_row};

use super::{frames, heads, limits, probes};

const LISTS: &[&[crate::harness::cases::Case]] = &[frames::CASES, heads::CASES, limits::CASES, probes::CASES];

#[test]
#[ignore = "long: make test-long"]
fn five_times_in_a_row_owned() {
    in_a_row(5, Target::owned("/socket.io/"), LISTS);
}

#[test]
#[ignore = "long: make test-long"]
fn five_times_in_a_row_mounted() {
    in_a_row(5, Target::mounted("/socket.io/"), LISTS);
}
