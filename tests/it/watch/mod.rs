//! Watching runs, as pages do: unmodified clients of every age and transport against the real binary,
//! on both databases.
//!
//! `order`: before, during, after, `since`, twice, leave, a cut connection; each told once and in
//! order. `runs`: what runs of the engine tell (worked trace, failures, cancel, progress). `refused`:
//! handshakes and joins that must not succeed. `ingest`: runs that are executed elsewhere. `crowd`:
//! 200 clients on one run, ten of which never read.

mod crowd;
mod ingest;
pub mod joined;
mod order;
mod refused;
mod runs;
