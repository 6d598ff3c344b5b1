//! Tools over a real store and real data sources, with a scripted host of workflows.

mod drafts;
mod hostile;
mod queries;
mod rig;
mod rights;
mod runs;
mod workflows;
