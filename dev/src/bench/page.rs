//! The owner's page: what a first visit transfers, and how long a browser waits for the first byte.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Failure;
use super::process::Home;
use super::sizes::{InSync, in_sync};
use super::speed::middle;
use super::table::Table;

/// Issue 4: bytes of a first visit with all its parts, and milliseconds to the first byte.
const WEIGHT: f64 = 100_000.0;
const FIRST_BYTE: f64 = 50.0;
/// The middle of so many visits is taken.
const VISITS: usize = 9;
/// What every page brings along, and a browser keeps.
const PARTS: [&str; 3] = ["/style.css", "/live.js", "/icon.svg"];
/// Every page that does not need something that staff have done.
const PAGES: [&str; 17] = [
    "/",
    "/never",
    "/leaves",
    "/leaves/fields",
    "/leaves/class/structure",
    "/leaves/class/names",
    "/leaves/class/dashboards",
    "/leaves/class/automations",
    "/leaves/rooms",
    "/leaves/things?search=a&kind=entity",
    "/deployments",
    "/questions",
    "/ledger",
    "/ledger/entry/1",
    "/ledger/reads",
    "/connection",
    "/report",
];

/// The first byte of every page, and the weight of the heaviest.
pub(crate) async fn visits(table: &mut Table, name: &str, home: &Home) -> Result<(), Failure> {
    let InSync { agent, place: _, _portal, _folder } = in_sync(home).await?;
    let link = agent.link().ok_or("the agent prints no link to its page")?;
    let (host, link) = link.split_once('/').ok_or("the link is none")?;
    let address: SocketAddr = host.parse()?;
    let opened = visit(address, &format!("/{link}"), "").await?;
    let cookie =
        opened.head("set-cookie").and_then(|set| set.split(';').next()).ok_or("the link gives no cookie")?;
    let mut parts = 0;
    for part in PARTS {
        parts += visit(address, part, cookie).await?.size;
    }
    let mut heaviest = (0.0, "");
    for path in PAGES {
        let (mut times, mut size) = (Vec::new(), 0);
        // The first look at contents waits until the home has been asked for them.
        for turn in 0..=VISITS {
            let seen = visit(address, path, cookie).await?;
            if !seen.text.starts_with("HTTP/1.1 200") {
                return Err(format!("{path}: {}", seen.text.lines().next().unwrap_or_default()).into());
            }
            size = seen.size;
            if turn > 0 {
                times.push(seen.first_byte.as_secs_f64() * 1e3);
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a few kilobytes")]
        let weight = (size + parts) as f64;
        if weight > heaviest.0 {
            heaviest = (weight, path);
        }
        table.most(&format!("first byte of {path}"), name, middle(&mut times), "ms", FIRST_BYTE);
    }
    let (weight, path) = heaviest;
    table.most(&format!("first visit of the heaviest page ({path})"), name, weight, "B", WEIGHT);
    Ok(())
}

/// An answer.
struct Seen {
    first_byte: Duration,
    /// Bytes that came, heads included.
    size: usize,
    text: String,
}

impl Seen {
    fn head(&self, name: &str) -> Option<&str> {
        self.text.lines().take_while(|line| !line.is_empty()).find_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

async fn visit(address: SocketAddr, path: &str, cookie: &str) -> Result<Seen, Failure> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAccept-Language: en\r\nCookie: {cookie}\r\n\r\n"
    );
    let asked = Instant::now();
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = vec![stream.read_u8().await?];
    let first_byte = asked.elapsed();
    stream.read_to_end(&mut bytes).await?;
    Ok(Seen { first_byte, size: bytes.len(), text: String::from_utf8_lossy(&bytes).into_owned() })
}
