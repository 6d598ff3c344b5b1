//! The results as the table of the issue.
pub fn print(_files: &[String]) {}
