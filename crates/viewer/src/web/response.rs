//! Responses of the port.

use std::fmt::Display;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HeaderValue, CONTENT_TYPE};
use hyper::{Response, StatusCode};

/// Body of every response.
pub(super) type Body = Full<Bytes>;

/// A refusal with its reason as text.
pub(super) fn refuse(status: StatusCode, reason: impl Display) -> Response<Body> {
    let mut response = Response::new(Full::from(format!("{reason}\n")));
    *response.status_mut() = status;
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}
