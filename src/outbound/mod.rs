//! The one HTTP client of the hub, with its address rules.
