//! The way to Home Assistant's door: name resolution, TCP and TLS. A simulation brings its own [`Dial`].

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::address::Endpoint;
use crate::outbound::reading::HomeTrouble;

/// Longest wait for a TCP connection, and again for the TLS handshake. A busy small computer answers within a second or two.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a connection is made of, whatever is below it.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection.
pub type BoxedStream = Box<dyn Stream>;

/// A connection in the making.
pub type Dialling<'a> = Pin<Box<dyn Future<Output = Result<BoxedStream, HomeTrouble>> + Send + 'a>>;

/// Makes connections.
pub trait Dial: Send + Sync {
    /// Connects to the endpoint, TLS included where the endpoint asks for it.
    fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> Dialling<'a>;
}

/// Whom a `https` home is believed.
#[derive(Debug, Clone, Copy)]
pub enum Trust<'a> {
    /// The public certificate authorities that ship with the program.
    Public,
    /// The owner's own authority and nobody else: certificates in PEM.
    Owner(&'a [u8]),
}

/// An owner's certificate file that is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the file of certificate authorities holds no usable certificate in PEM")]
pub struct BadAuthority;

/// The real network.
pub struct Network {
    tls: TlsConnector,
}

impl Network {
    /// Prepares TLS; no connection is made.
    ///
    /// # Errors
    /// [`BadAuthority`] when an owner's file has no certificate in it, or a broken one.
    pub fn new(trust: Trust<'_>) -> Result<Self, BadAuthority> {
        let mut roots = RootCertStore::empty();
        match trust {
            Trust::Public => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            Trust::Owner(pem) => {
                for certificate in CertificateDer::pem_slice_iter(pem) {
                    roots.add(certificate.map_err(|_| BadAuthority)?).map_err(|_| BadAuthority)?;
                }
                if roots.is_empty() {
                    return Err(BadAuthority);
                }
            }
        }
        let config =
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(|_| BadAuthority)?
                .with_root_certificates(roots)
                .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)) })
    }

    async fn connect(&self, endpoint: &Endpoint) -> Result<BoxedStream, HomeTrouble> {
        let tcp = timeout(PATIENCE, tcp(endpoint)).await.map_err(|_| HomeTrouble::Unreachable)??;
        if !endpoint.tls() {
            return Ok(Box::new(tcp));
        }
        let name = ServerName::try_from(endpoint.host().to_owned()).map_err(|_| HomeTrouble::Tls)?;
        let tls = timeout(PATIENCE, self.tls.connect(name, tcp)).await.map_err(|_| HomeTrouble::Tls)?;
        Ok(Box::new(tls.map_err(|_| HomeTrouble::Tls)?))
    }
}

impl Dial for Network {
    fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> Dialling<'a> {
        Box::pin(self.connect(endpoint))
    }
}

/// Tries each of the name's addresses in turn.
async fn tcp(endpoint: &Endpoint) -> Result<TcpStream, HomeTrouble> {
    let addresses = tokio::net::lookup_host((endpoint.host(), endpoint.port()))
        .await
        .map_err(|_| HomeTrouble::NameUnknown)?;
    let mut trouble = HomeTrouble::NameUnknown;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Requests are small and waited for; collecting them first would only make us slower.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(_) => trouble = HomeTrouble::Unreachable,
        }
    }
    Err(trouble)
}
