//! Connections: name resolution, TCP and TLS. Both arrows use it; a simulation brings its own [`Dial`].

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Longest wait for a TCP connection, and again for the TLS handshake. A busy small computer answers within a second or two.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a connection is made of, whatever is below it.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection.
pub type BoxedStream = Box<dyn Stream>;

/// A connection in the making.
pub type Dialling<'a> = Pin<Box<dyn Future<Output = Result<BoxedStream, DialError>> + Send + 'a>>;

/// Why no connection came about. Codes only: the libraries' words may hold addresses (R17).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialError {
    /// Nobody knows the name.
    NameUnknown,
    /// Nothing answers.
    Unreachable,
    /// The TLS handshake failed, mostly because the certificate is not trusted.
    Tls,
}

/// Where to connect.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// Name or address; an IPv6 address without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Whether TLS is spoken.
    pub tls: bool,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("‹target›")
    }
}

/// Makes connections.
pub trait Dial: Send + Sync {
    /// Connects, TLS included where the target asks for it.
    fn dial<'a>(&'a self, target: &'a Target) -> Dialling<'a>;
}

/// Whom a certificate is believed.
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

/// The real network. TLS is prepared when it is first spoken: a home is mostly read over plain loopback.
pub struct Network {
    /// The owner's own authority; `None` for the public ones.
    owner: Option<RootCertStore>,
    tls: OnceLock<TlsConnector>,
}

impl Network {
    /// Reads the owner's file; no connection is made.
    ///
    /// # Errors
    /// [`BadAuthority`] when an owner's file has no certificate in it, or a broken one.
    pub fn new(trust: Trust<'_>) -> Result<Self, BadAuthority> {
        let owner = match trust {
            Trust::Public => None,
            Trust::Owner(pem) => {
                let mut roots = RootCertStore::empty();
                for certificate in CertificateDer::pem_slice_iter(pem) {
                    roots.add(certificate.map_err(|_| BadAuthority)?).map_err(|_| BadAuthority)?;
                }
                if roots.is_empty() {
                    return Err(BadAuthority);
                }
                Some(roots)
            }
        };
        Ok(Self { owner, tls: OnceLock::new() })
    }

    fn tls(&self) -> Result<&TlsConnector, DialError> {
        if let Some(tls) = self.tls.get() {
            return Ok(tls);
        }
        let public = || webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        let roots: RootCertStore = self.owner.clone().unwrap_or_else(public);
        // The provider is named, so that a second one slipping into the tree cannot make this panic.
        let config =
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(|_| DialError::Tls)?
                .with_root_certificates(roots)
                .with_no_client_auth();
        Ok(self.tls.get_or_init(|| TlsConnector::from(Arc::new(config))))
    }

    async fn connect(&self, target: &Target) -> Result<BoxedStream, DialError> {
        let tcp = timeout(PATIENCE, tcp(target)).await.map_err(|_| DialError::Unreachable)??;
        if !target.tls {
            return Ok(Box::new(tcp));
        }
        let name = ServerName::try_from(target.host.clone()).map_err(|_| DialError::Tls)?;
        let tls = timeout(PATIENCE, self.tls()?.connect(name, tcp)).await.map_err(|_| DialError::Tls)?;
        Ok(Box::new(tls.map_err(|_| DialError::Tls)?))
    }
}

impl Dial for Network {
    fn dial<'a>(&'a self, target: &'a Target) -> Dialling<'a> {
        Box::pin(self.connect(target))
    }
}

/// A place where the owner's browser, or the Supervisor for it, connects to us. Nothing else ever does.
#[derive(Debug)]
pub struct Listener(TcpListener);

impl Listener {
    /// Listens at an address.
    ///
    /// # Errors
    /// What the system says, mostly that the port is taken.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        TcpListener::bind(address).await.map(Self)
    }

    /// Where it listens, with the real port.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// The next connection, and from where it comes.
    ///
    /// # Errors
    /// What the system says; the next call may succeed.
    pub async fn accept(&self) -> io::Result<(BoxedStream, SocketAddr)> {
        let (stream, from) = self.0.accept().await?;
        let _ = stream.set_nodelay(true);
        Ok((Box::new(stream), from))
    }
}

/// Tries each of the name's addresses in turn.
async fn tcp(target: &Target) -> Result<TcpStream, DialError> {
    let addresses = tokio::net::lookup_host((target.host.as_str(), target.port))
        .await
        .map_err(|_| DialError::NameUnknown)?;
    let mut error = DialError::NameUnknown;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Messages are small and waited for; collecting them first would only make us slower.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(_) => error = DialError::Unreachable,
        }
    }
    Err(error)
}
