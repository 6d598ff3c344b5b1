//! What an assistant may ask for and a person may approve, carried out: saved queries, workflows, runs,
//! the catalogue, SQL that is saved nowhere.
//!
//! [`Tools`] is the room's [`Hands`](super::Hands). The rights of the person are asked at each call, and once
//! more at the moment when something approved is carried out; what is another tenant's is answered as what is
//! not there. An assistant's [`Desk`](crate::ai::Desk) runs only what has no effect. What comes out of databases and
//! runs goes into tables and values, made harmless and bounded ([`cells`], [`table`]), never into words.
//!
//! Talks to: `auth` (rights), `datasource` (queries), `ai::catalogue`, `store` (titles), and to workflows through
//! [`Host`], which `session` implements. Never: decides that something may be done; keeps anything.
//!
//! Reads: `hands` (the door), `rights` (may they, and is it still what was proposed), one file a tool (`query`,
//! `draft`, `workflow`, `run`, `search`), `host` (what it needs of workflows), and what is pure: `words`, `table`,
//! `cells`.

mod cells;
mod draft;
mod hands;
mod host;
mod query;
mod rights;
mod run;
mod search;
mod table;
#[cfg(test)]
mod tests;
mod words;
mod workflow;

pub use self::{
    hands::{Parts, Tools},
    host::{Host, Plan, RunSeen, Start, StartTest, Trouble},
};
