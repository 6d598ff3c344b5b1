//! Integration tests: one binary; the list of modules is the list of promises.
