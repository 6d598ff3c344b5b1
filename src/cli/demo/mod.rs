//! `jethub demo`: a hub with something to see, on a real port, in a directory that is gone afterwards.
//!
//! `run` starts the hub exactly as `serve` does and runs a workflow every few seconds; `seed` makes a
//! tenant, users, the workflows of `workflows`, and those of `reports` over the database of `shop` and
//! the parcel service of `carrier`, by `rest`; `words` is what is printed to be pasted; `client`
//! is a Socket.IO client of a few lines that connects to the port as any page would, and `show` prints
//! what it receives when standard output is a terminal.
//!
//! It goes no other way than real clients do, except that its runs are started without a request.

mod carrier;
mod client;
mod reports;
mod rest;
mod run;
mod seed;
mod shop;
mod show;
mod words;
mod workflows;

pub(super) use run::run;
