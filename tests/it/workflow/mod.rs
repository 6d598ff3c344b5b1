//! Whole workflows as data: each file of `cases/` is a definition, what happens to its run, and what must
//! come of it (`case` has the form, `suite` runs them). To add a case, add a file.

mod case;
mod people;
mod suite;
