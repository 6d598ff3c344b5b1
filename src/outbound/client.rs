//! The client.

use crate::{
    config::sections as config,
    outbound::{Answer, Error, Request},
};

/// The outgoing HTTP client. Cheap to clone; needs a tokio runtime when used.
#[derive(Debug, Clone)]
pub struct Outbound {}

impl Outbound {
    /// Builds it; installs the process's TLS provider if none is.
    pub fn new(settings: &config::Outbound) -> Result<Self, Error> {
        let _ = settings;
        Err(Error::Unusable("not built".to_owned()))
    }

    /// Carries out one call. Dropping the future ends it.
    pub async fn send(&self, request: Request) -> Result<Answer, Error> {
        let _ = request;
        Err(Error::Unusable("not built".to_owned()))
    }
}
