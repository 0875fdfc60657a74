//! HTTP in the clear, where TLS is spoken.

use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::linger::linger;

const USE_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    connection: close\r\n\r\n\
    this port takes TLS alone: write https:// in the address\n";

/// Whether a connection that begins with this byte is one of HTTP. Methods are words; records of TLS
/// begin with a number below 32.
pub(super) fn is_http(first: u8) -> bool {
    first.is_ascii_alphabetic()
}

/// Tells a client to use TLS.
pub(super) async fn refuse(mut stream: TcpStream) {
    if stream.write_all(USE_TLS).await.is_ok() {
        linger(stream).await;
    }
}
