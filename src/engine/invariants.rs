//! N2 and N3 as functions, called by tests and by whoever appends.
