//! The judge of "0 lost, 0 doubled of N": [`history`] is what clients saw and what the journal holds,
//! [`checker`] compares the two. Neither shares code with the hub; planted lies test the judge.

pub mod checker;
pub mod history;

pub use checker::{Verdict, check};
pub use history::{History, Log};
