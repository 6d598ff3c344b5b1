//! What is seen of a query before it counts, and what is known of one that failed.

mod draft;
mod glance;
mod look;
mod proxy;
mod undone;
mod undone_http;
