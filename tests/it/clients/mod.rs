//! Unmodified clients against examples/conformance: every version, every transport.

mod basics;
