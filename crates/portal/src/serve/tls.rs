//! TLS by certificate files.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use vestibule_protocol::problem::Problem;

use crate::problem;

/// TLS 1.2 and newer with this certificate chain and key, both PEM.
///
/// # Errors
/// A `Problem` when the files cannot be read or do not belong together.
pub fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, Problem> {
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|_| problem::tls_unusable())?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|_| problem::tls_unusable())?;
    let mut config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|_| problem::tls_unusable())?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|_| problem::tls_unusable())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
