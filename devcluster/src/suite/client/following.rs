//! An answer that is read while it comes.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::{HeaderMap, body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{task::JoinSet, time::timeout};

use super::{ANSWER_TIME_MAX, Call, Client};

/// How long the next bit may take that a test waits for.
const BIT_TIME_MAX: Duration = Duration::from_secs(60);

/// An answer whose end may be far. Its connection ends when this is dropped.
pub struct Following {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// What has come so far.
    pub text: String,
    body: Incoming,
    _driver: JoinSet<hyper::Result<()>>,
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// As its server meant it.
    Clean,
    /// Without its last chunk.
    BrokenOff,
}

impl Client {
    /// Sends a request, on a connection of its own, and reads its answer's head.
    ///
    /// # Panics
    /// When there is none.
    pub async fn follow(&self, call: Call) -> Following {
        let exchange = async {
            let stream = TokioIo::new(self.connect().await.expect("a connection"));
            let (mut sender, connection) = http1::handshake(stream).await.expect("a connection");
            let mut driver = JoinSet::new();
            driver.spawn(connection);
            let request = call.request(self.address).expect("a request");
            let response = sender.send_request(request).await.expect("an answer");
            let (head, body) = response.into_parts();
            let (status, headers) = (head.status.as_u16(), head.headers);
            Following { status, headers, text: String::new(), body, _driver: driver }
        };
        timeout(ANSWER_TIME_MAX, exchange).await.expect("an answer in time")
    }
}

impl Following {
    /// Reads until this has come.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn until(&mut self, wanted: &str) {
        while !self.text.contains(wanted) {
            let end = timeout(BIT_TIME_MAX, self.next()).await;
            let end = end.unwrap_or_else(|_| panic!("no `{wanted}` in time: {}", self.text));
            assert_eq!(end, None, "no `{wanted}` before the end: {}", self.text);
        }
    }

    /// Reads to the end.
    ///
    /// # Panics
    /// When there is none.
    pub async fn end(&mut self) -> End {
        loop {
            let next = timeout(BIT_TIME_MAX, self.next()).await;
            if let Some(end) = next.unwrap_or_else(|_| panic!("no end in time: {}", self.text)) {
                return end;
            }
        }
    }

    async fn next(&mut self) -> Option<End> {
        match self.body.frame().await {
            Some(Ok(frame)) => {
                let bytes = frame.into_data().unwrap_or_default();
                self.text.push_str(&String::from_utf8_lossy(&bytes));
                None
            }
            Some(Err(_)) => Some(End::BrokenOff),
            None => Some(End::Clean),
        }
    }
}
