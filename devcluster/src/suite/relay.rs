//! An address that stays, before services that come and go: what a proxy or a network does to those
//! who talk through it.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::sleep,
};

/// Passes TCP on to wherever it leads at the moment. TLS goes through untouched, so that nothing but
/// the road is broken.
pub struct Relay {
    /// Its address.
    pub address: SocketAddr,
    road: watch::Sender<Road>,
    _connections: JoinSet<()>,
}

/// How things are on the road.
#[derive(Debug, Clone, Copy)]
struct Road {
    /// Where it leads; to nowhere, and connections are closed as soon as they are made.
    to: Option<SocketAddr>,
    /// Counts the cuts: a connection that was made before the last one is closed.
    cuts: u64,
    /// Nothing is passed on, and nothing closed.
    is_stalled: bool,
    /// A connection is closed after so many bytes of answers.
    answer_bytes_max: u64,
}

impl Relay {
    /// Begins to pass on.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("a port");
        let (to, answer_bytes_max) = (Some(to), u64::MAX);
        let (road, seen) =
            watch::channel(Road { to, cuts: 0, is_stalled: false, answer_bytes_max });
        let mut connections = JoinSet::new();
        connections.spawn(accept(listener, seen));
        Self { address, road, _connections: connections }
    }

    /// New connections lead there, and nothing is in their way any more.
    pub fn lead_to(&self, to: SocketAddr) {
        self.road.send_modify(|road| {
            (road.to, road.is_stalled, road.answer_bytes_max) = (Some(to), false, u64::MAX);
        });
    }

    /// Closes all connections, and each new one at once.
    pub fn close(&self) {
        self.road.send_modify(|road| {
            road.to = None;
            road.cuts += 1;
        });
    }

    /// The same for so long; then it waits to be led somewhere.
    pub async fn close_for(&self, time: Duration) {
        self.close();
        // For so long nobody is there: this is the fault that the relay is for.
        sleep(time).await;
    }

    /// Closes all connections.
    pub fn cut(&self) {
        self.road.send_modify(|road| road.cuts += 1);
    }

    /// Passes nothing on for so long; then it waits to be led somewhere.
    pub async fn stall_for(&self, time: Duration) {
        self.road.send_modify(|road| road.is_stalled = true);
        // This is the fault, too.
        sleep(time).await;
    }

    /// Closes each connection once it has brought so many bytes of answers.
    pub fn cut_answers_after(&self, bytes: u64) {
        self.road.send_modify(|road| road.answer_bytes_max = bytes);
    }
}

async fn accept(listener: TcpListener, road: watch::Receiver<Road>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(pass_on(client, road.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn pass_on(client: TcpStream, mut road: watch::Receiver<Road>) -> io::Result<()> {
    let Road { to: Some(to), cuts, .. } = *road.borrow_and_update() else { return Ok(()) };
    let server = TcpStream::connect(to).await?;
    server.set_nodelay(true)?;
    client.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let both = async {
        tokio::try_join!(
            pipe(from_client, to_server, road.clone(), |_| u64::MAX),
            pipe(from_server, to_client, road.clone(), |road| road.answer_bytes_max),
        )
    };
    let mut road = road.clone();
    tokio::select! {
        outcome = both => outcome.map(drop),
        _ = road.wait_for(|road| road.cuts != cuts) => Ok(()),
    }
}

/// Passes on in one direction.
async fn pipe(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut road: watch::Receiver<Road>,
    bytes_max: impl Fn(&Road) -> u64,
) -> io::Result<()> {
    let mut piece = vec![0; 16 * 1024];
    let mut passed = 0;
    loop {
        let length = from.read(&mut piece).await?;
        let _ = road.wait_for(|road| !road.is_stalled).await;
        let left = bytes_max(&road.borrow()).saturating_sub(passed);
        let passing = length.min(usize::try_from(left).unwrap_or(usize::MAX));
        to.write_all(&piece[..passing]).await?;
        passed += passing as u64;
        if passing < length {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        if length == 0 {
            return to.shutdown().await;
        }
    }
}
