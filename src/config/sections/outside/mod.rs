//! What the hub calls: services by HTTP, databases of tenants.

mod datasource;
mod outbound;

pub use self::{datasource::DataSource, outbound::Outbound};
