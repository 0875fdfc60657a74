//! Connections to one server: HTTP/1.1, each answer read to its last byte.
//!
//! The command's client keeps its connections and understands every answer. What is measured here
//! may want a connection for each request, or ask somebody who is not our service, so all that is
//! measured goes over these, and the client of the measurement costs every side the same.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    client::conn::http1::{self, SendRequest},
    rt::{Read, Write},
};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::{address::Address, plan::Connection, target::Failure};

type Sender = SendRequest<Full<Bytes>>;

/// The connections of one tool to one server.
pub(crate) struct Wire {
    address: Address,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    idle: Mutex<Vec<Sender>>,
}

impl Wire {
    /// Nothing is connected yet. None when the host's name can't be in a certificate.
    pub(crate) fn new(address: &Address, tls: Arc<ClientConfig>) -> Option<Self> {
        let name = ServerName::try_from(address.host.clone()).ok()?;
        Some(Self {
            address: address.clone(),
            tls: address.is_tls.then(|| (tls.into(), name)),
            idle: Mutex::default(),
        })
    }

    /// A request to this server.
    pub(crate) fn request(&self, method: &str, path: &str) -> hyper::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.address.prefix))
            .header("host", &self.address.authority)
            .header("accept", "application/json")
            .header("user-agent", concat!("tjf-loadtest/", env!("CARGO_PKG_VERSION")))
    }

    /// Sends a request and reads its answer; a bad status is a failure, after it was read as well.
    pub(crate) async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        connection: Connection,
    ) -> Result<Response<Bytes>, Failure> {
        let mut request = request;
        if connection == Connection::Kept {
            while let Some(mut sender) = self.take_idle() {
                if sender.ready().await.is_err() {
                    continue;
                }
                match sender.try_send_request(request).await {
                    Ok(response) => return self.read(sender, response, connection).await,
                    // The server had closed it meanwhile, and nothing was sent.
                    Err(mut error) => match error.take_message() {
                        Some(unsent) => request = unsent,
                        None => return Err(broken(error.error())),
                    },
                }
            }
        }
        let mut sender = self.connect().await?;
        let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
        self.read(sender, response, connection).await
    }

    fn take_idle(&self) -> Option<Sender> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    async fn read(
        &self,
        sender: Sender,
        response: Response<hyper::body::Incoming>,
        connection: Connection,
    ) -> Result<Response<Bytes>, Failure> {
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| broken(&error))?.to_bytes();
        if connection == Connection::Kept {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        }
        if head.status.is_success() || head.status == hyper::StatusCode::NOT_MODIFIED {
            Ok(Response::from_parts(head, body))
        } else {
            Err(Failure::Status(head.status.as_u16()))
        }
    }

    async fn connect(&self) -> Result<Sender, Failure> {
        let failed = |error: std::io::Error| Failure::Connection(error.to_string());
        let Address { host, port, .. } = &self.address;
        let tcp = TcpStream::connect((host.as_str(), *port)).await.map_err(failed)?;
        // Requests are small and complete: waiting for more to send would only delay them.
        tcp.set_nodelay(true).map_err(failed)?;
        match &self.tls {
            Some((tls, name)) => {
                serve(TokioIo::new(tls.connect(name.clone(), tcp).await.map_err(failed)?)).await
            }
            None => serve(TokioIo::new(tcp)).await,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the task ends with its connection, which ends with its sender: nothing to drain"
)]
async fn serve(io: impl Read + Write + Unpin + Send + 'static) -> Result<Sender, Failure> {
    let (sender, connection) = http1::handshake(io).await.map_err(|error| broken(&error))?;
    tokio::spawn(connection);
    Ok(sender)
}

/// The same words for the same cause, so that failures can be counted by it.
fn broken(error: &hyper::Error) -> Failure {
    let source = std::error::Error::source(error);
    Failure::Connection(
        source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}")),
    )
}
