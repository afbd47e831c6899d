//! Connections without a network: what the agent dials ends in the fake home, or behind the fault proxy at a portal.

use std::io;
use std::sync::{Arc, Mutex};

use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;
use vestibule::net::{BoxedStream, Dial, DialError, Dialling, Target};
use vestibule_dev::fake_home::FakeHome;
use vestibule_dev::fault_proxy::FaultProxy;

/// What a pipe holds: little, so that whoever sends a lot has to wait for whoever takes it.
const ROOM: usize = 8 << 10;

/// The way to the fake home.
#[derive(Clone)]
pub(super) struct ToHome(pub(super) FakeHome);

impl Dial for ToHome {
    fn dial<'a>(&'a self, _: &'a Target) -> Dialling<'a> {
        let (near, far) = duplex(ROOM);
        let home = self.0.clone();
        tokio::spawn(async move { home.serve(far).await });
        Box::pin(async move { Ok(Box::new(near) as BoxedStream) })
    }
}

/// The way to whoever is the portal at the moment; nobody at first.
#[derive(Clone, Default)]
pub(super) struct ToPortal {
    pub(super) proxy: FaultProxy,
    portal: Arc<Mutex<Option<mpsc::UnboundedSender<DuplexStream>>>>,
}

impl ToPortal {
    /// From now on connections arrive here.
    pub(super) fn answer(&self) -> Arriving {
        let (to, from) = mpsc::unbounded_channel();
        *self.portal.lock().unwrap() = Some(to);
        Arriving(from)
    }

    /// Nobody answers any more, and all connections end.
    pub(super) fn hang_up(&self) {
        *self.portal.lock().unwrap() = None;
        self.proxy.cut();
    }
}

impl Dial for ToPortal {
    fn dial<'a>(&'a self, _: &'a Target) -> Dialling<'a> {
        let (agent, near) = duplex(ROOM);
        let (far, portal) = duplex(ROOM);
        let answered =
            self.portal.lock().unwrap().as_ref().is_some_and(|answers| answers.send(portal).is_ok());
        if answered {
            let proxy = self.proxy.clone();
            tokio::spawn(async move { proxy.carry(near, far).await });
        }
        Box::pin(async move {
            if answered { Ok(Box::new(agent) as BoxedStream) } else { Err(DialError::Unreachable) }
        })
    }
}

/// Connections to a portal.
pub(super) struct Arriving(mpsc::UnboundedReceiver<DuplexStream>);

impl Arriving {
    /// The next one.
    pub(super) async fn next(&mut self) -> DuplexStream {
        match self.0.recv().await {
            Some(stream) => stream,
            None => std::future::pending().await,
        }
    }
}

impl axum::serve::Listener for Arriving {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        (self.next().await, ())
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}
