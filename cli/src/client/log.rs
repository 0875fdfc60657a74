//! A log on its way.

use bytes::Bytes;
use hyper::{Response, header};
use tjf_api_types::{
    LOG_LENGTH, LOG_MODIFIED, LOG_POSITION, LogPosition, LogQuery, ObjectName, path,
};

use super::{Call, Client, ClientError, Refusal, connection::Pieces};

/// A refusal is a short document.
const REFUSAL_BYTES_MAX: usize = 64 * 1024;

impl Client {
    /// Begins to read what a job has written. It is sent once: who reads decides what comes after a
    /// failure, and where to go on.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] with status 404 when there is no such job, 400 when it keeps no
    /// output; [`ClientError::NotALog`] when somebody else answers; else as every method.
    pub async fn logs(
        &self,
        name: &ObjectName,
        query: &LogQuery,
    ) -> Result<LogAnswer, ClientError> {
        let call = Call::read(path::logs(name.as_str(), query));
        let send = async |request| Box::pin(self.connections.open(request)).await;
        let response = self.send_by(&call, send).await?;
        LogAnswer::read(response, &self.server.url).await
    }
}

/// The answer with a log, of which the text comes bit by bit.
#[derive(Debug)]
pub struct LogAnswer {
    /// Where in its file it begins, when it is of a single one.
    pub position: Option<LogPosition>,
    /// When something was written into that file last, RFC 3339 UTC.
    pub modified: Option<String>,
    /// How many bytes that file had when it was opened.
    pub length: Option<u64>,
    pieces: Pieces,
}

impl LogAnswer {
    /// Takes an answer for what it is. A page of a proxy is not a log.
    pub(super) async fn read(response: Response<Pieces>, url: &str) -> Result<Self, ClientError> {
        if !response.status().is_success() {
            let (head, mut pieces) = response.into_parts();
            let body = pieces.all(REFUSAL_BYTES_MAX).await?;
            let refusal = Refusal::read(&Response::from_parts(head, body));
            return Err(ClientError::Refused(Box::new(refusal)));
        }
        let header = |name: &str| response.headers().get(name)?.to_str().ok();
        let is_text = header(header::CONTENT_TYPE.as_str()).is_some_and(is_text);
        if !is_text {
            return Err(ClientError::NotALog { server: url.to_owned() });
        }
        Ok(Self {
            position: header(LOG_POSITION).and_then(|text| text.parse().ok()),
            modified: header(LOG_MODIFIED).map(str::to_owned),
            length: header(LOG_LENGTH).and_then(|text| text.parse().ok()),
            pieces: response.into_body(),
        })
    }

    /// The next bit. `None` at its end: nothing more will come. A log that breaks off is an error,
    /// and may be gone on with.
    ///
    /// # Errors
    ///
    /// [`ClientError::Lost`].
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        self.pieces.next().await
    }
}

fn is_text(media_type: &str) -> bool {
    let name = media_type.split(';').next().unwrap_or_default().trim();
    name.eq_ignore_ascii_case("text/plain")
}
