//! A slow road to the API server.

use std::{
    io,
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};

/// Passes TCP on, each piece towards the server later than it came. TLS goes through untouched, so
/// whoever is behind it meets the real API server, only later: a pause before each of its steps,
/// without any hook in it.
pub struct DelayingProxy {
    /// Its URL.
    pub url: String,
    made: Arc<AtomicUsize>,
    _connections: JoinSet<()>,
}

impl DelayingProxy {
    /// Begins to pass on.
    ///
    /// # Panics
    /// When `server` is not an `https` URL, or no port is free.
    pub async fn start(server: &str, delay: Duration) -> Self {
        let authority = server.strip_prefix("https://").expect("an https URL");
        let authority = authority.trim_end_matches('/').to_owned();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let url = format!("https://{}", listener.local_addr().expect("a port"));
        let made = Arc::new(AtomicUsize::new(0));
        let mut connections = JoinSet::new();
        connections.spawn(accept(listener, authority, delay, Arc::clone(&made)));
        Self { url, made, _connections: connections }
    }

    /// How many connections were made so far; each begins with a handshake.
    pub fn connections(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }
}

async fn accept(listener: TcpListener, authority: String, delay: Duration, made: Arc<AtomicUsize>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        made.fetch_add(1, Ordering::Relaxed);
        connections.spawn(pass_on(client, authority.clone(), delay));
        while connections.try_join_next().is_some() {}
    }
}

async fn pass_on(mut client: TcpStream, authority: String, delay: Duration) -> io::Result<()> {
    let mut server = TcpStream::connect(authority).await?;
    server.set_nodelay(true)?;
    client.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let there = async {
        let mut piece = vec![0; 64 * 1024];
        loop {
            let length = from_client.read(&mut piece).await?;
            if length == 0 {
                return to_server.shutdown().await;
            }
            // This is the fault that the proxy is for.
            sleep(delay).await;
            to_server.write_all(&piece[..length]).await?;
        }
    };
    let back = async {
        copy(&mut from_server, &mut to_client).await?;
        to_client.shutdown().await
    };
    tokio::try_join!(there, back)?;
    Ok(())
}
