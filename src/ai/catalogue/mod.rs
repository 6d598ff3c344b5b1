//! What a tenant has (saved queries, workflows), found by its words; and the assistant that answers from
//! it alone and calls nobody.

pub mod fill;
