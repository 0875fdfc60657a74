//! What handlers give back.

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use http_body_util::Full;
use serde::Serialize;

use crate::failure::Failure;

/// An answer, ready to be sent.
pub type Response = http::Response<Full<Bytes>>;

/// A value that becomes an answer.
pub trait Reply: Send {
    /// The answer.
    ///
    /// # Errors
    /// When the value can't be written down; that is our own fault.
    fn into_response(self) -> Result<Response, Failure>;
}

/// A value as JSON: what a body is read into, and what an answer is written from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: Serialize + Send> Reply for Json<T> {
    fn into_response(self) -> Result<Response, Failure> {
        let body = serde_json::to_vec(&self.0).map_err(Failure::internal)?;
        let mut response = Response::new(body.into());
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(response)
    }
}

/// A new thing: 201, where to find it, and the thing itself as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created<T> {
    /// The path under which the thing is found.
    pub location: String,
    /// The thing.
    pub value: T,
}

impl<T: Serialize + Send> Reply for Created<T> {
    fn into_response(self) -> Result<Response, Failure> {
        let mut response = Json(self.value).into_response()?;
        *response.status_mut() = StatusCode::CREATED;
        let location = HeaderValue::try_from(self.location).map_err(Failure::internal)?;
        response.headers_mut().insert(header::LOCATION, location);
        Ok(response)
    }
}
