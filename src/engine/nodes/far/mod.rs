//! Types whose work is done by others, by name: `dataQuery`, `subWorkflow`.
mod child;
mod query;

pub(in crate::engine) use self::{
    child::{Call, SubWorkflow},
    query::DataQuery,
};
