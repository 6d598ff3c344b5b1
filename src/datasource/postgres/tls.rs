//! TLS to a PostgreSQL: the certificates of the system, and those of the source.

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::datasource::{Error, Reason};

/// What encrypts, trusting the system's certificates and these (PEM).
pub(super) fn connector(ca: Option<&str>) -> Result<MakeRustlsConnect, Error> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if let Some(pem) = ca {
        let bad = || Error::failed(Reason::Settings, "ca of the data source is no certificate in PEM");
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            roots.add(certificate.map_err(|_| bad())?).map_err(|_| bad())?;
        }
    }
    if roots.is_empty() {
        let message = "the hub's machine has no certificates to check the database's with; name one in ca";
        return Err(Error::failed(Reason::Settings, message));
    }
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    }
    Ok(MakeRustlsConnect::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}
