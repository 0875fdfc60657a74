//! The end of a connection whose client may still be sending.

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, sink},
    time::timeout,
};

/// So long a client has to notice that nobody wants the rest.
const TIME_MAX: Duration = Duration::from_secs(5);
/// So much of the rest is passed over: far more than any request may have, and little to read.
const BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Says that there is no more to come, and reads on for a moment. A socket that is closed with bytes
/// unread tells its client so at once, and the client then loses the answer that it has not read.
pub(crate) async fn linger<T: AsyncRead + AsyncWrite + Unpin>(mut stream: T) {
    let passing_over = async {
        let _ = stream.shutdown().await;
        copy(&mut stream.take(BYTES_MAX), &mut sink()).await
    };
    let _ = timeout(TIME_MAX, passing_over).await;
}
