//! A person's word on what the assistant proposes: nothing with an effect happens without it, nothing
//! happens twice, and whoever comes late, twice, or has no right reads why (`faults.md` A61, A62).
//!
//! `orders`: test, approve and reject in all orders. `races`: two people at once. `runs`: a workflow.
//! `rights`: they are looked at when it is carried out, and the audit says who. `words`: what is no consent.

mod orders;
mod races;
mod rights;
mod runs;
mod words;
