//! Clients of services of any installed type.
//!
//! rcl has no serialized form of services, so that a request is read into the C struct of its
//! type and a response written from it, by the middleware. Responses are announced by the
//! middleware's callback and taken on one thread for all clients.
#![allow(unsafe_code)]

mod announcer;

pub(super) use announcer::Work;

use super::any_message::AnyMessage;
use super::error::RosError;
use super::ffi;
use super::handle::ClientHandle;
use super::type_support::{ServiceSupport, TypeSupports};
use announcer::{on_new_response, Announcer, TakeResponses};
use bytes::Bytes;
use flume::Sender;
use parking_lot::Mutex;
use rclrs::Node;
use remote_access_cdr::CdrError;
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Weak};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::{oneshot, Semaphore};
use tracing::{error, warn};

/// Time that a call waits for the server: a client that has just been created is not connected yet.
const CONNECT: Duration = Duration::from_secs(5);
/// Time between two looks for the server meanwhile.
const CONNECT_CHECK: Duration = Duration::from_millis(10);
/// Time between two checks by a waiting call that the server is still there.
const ALIVE_CHECK: Duration = Duration::from_secs(1);
/// Looks in a row that must not find the server before it counts as gone.
const GONE_CHECKS: u32 = 2;
/// Calls of one client that are with the server at once; further ones wait. Services keep their last
/// 10 requests and responses by default, and what is more is lost without a word.
const MAX_IN_FLIGHT: usize = 8;
/// Largest request that is made from JSON and largest JSON of a response, in bytes.
const MAX_JSON: usize = 16 * 1024 * 1024;

/// Why a call has no response.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError {
    /// Nobody offers the service.
    #[error("service {0} is not available")]
    Unavailable(String),
    /// The request is none of the service's type.
    #[error("no {type_name}: {reason}")]
    BadRequest {
        /// The type it should have.
        type_name: String,
        /// Reason.
        reason: CdrError,
    },
    /// The response is none of the service's type, or too large as JSON.
    #[error("the response is no {type_name}: {reason}")]
    BadResponse {
        /// The type it should have.
        type_name: String,
        /// Reason.
        reason: CdrError,
    },
    /// The middleware failed.
    #[error("the call failed: {0}")]
    Failed(String),
    /// The server went while it was called.
    #[error("service {0} has gone")]
    Gone(String),
}

/// A client of one service. Clones are cheap; the last one that is dropped ends it.
#[derive(Clone)]
pub struct ServiceClient {
    inner: Arc<Inner>,
}

/// Receiver of the response to a request.
type Waiter = oneshot::Sender<Result<Bytes, CallError>>;

struct Inner {
    name: String,
    support: Arc<ServiceSupport>,
    handle: ClientHandle,
    /// By sequence number. Also serializes what rcl does with the handle.
    pending: Mutex<HashMap<i64, Waiter>>,
    in_flight: Semaphore,
    announcer: Arc<Announcer>,
}

impl ServiceClient {
    pub(super) fn create(
        node: &Node,
        types: &TypeSupports,
        queue: &Sender<Work>,
        name: &str,
        type_name: &str,
    ) -> Result<Self, RosError> {
        let support = types.service(type_name)?;
        let failed = |reason: String| RosError::Client {
            service: name.to_owned(),
            reason,
        };
        let handle = ClientHandle::create(node, name, &support)
            .map_err(|problem| failed(problem.to_string()))?;
        let inner = Arc::new_cyclic(|inner: &Weak<Inner>| Inner {
            name: name.to_owned(),
            support,
            handle,
            pending: Mutex::default(),
            in_flight: Semaphore::new(MAX_IN_FLIGHT),
            announcer: Arc::new(Announcer::new(
                Weak::clone(inner) as Weak<dyn TakeResponses>,
                queue,
            )),
        });
        // SAFETY: the handle is valid, the callback takes a pointer to an `Announcer`, and the
        // client keeps it alive until its drop has removed the callback.
        let code = unsafe {
            ffi::rcl_client_set_on_new_response_callback(
                inner.handle.as_ptr(),
                Some(on_new_response),
                Arc::as_ptr(&inner.announcer).cast(),
            )
        };
        if code != ffi::RET_OK {
            return Err(failed(ffi::take_error()));
        }
        Ok(Self { inner })
    }

    /// Calls the service with a request in CDR, and gives the response in CDR. Any number of calls
    /// may wait at once, of which some are with the server; a future that is dropped forgets its
    /// call, which the server may carry out all the same. There is no timeout but that for finding the server, of 5 s.
    ///
    /// The future must run on a tokio runtime.
    ///
    /// # Errors
    /// The future gives them.
    pub fn call(
        &self,
        cdr: &[u8],
    ) -> impl Future<Output = Result<Bytes, CallError>> + Send + 'static {
        let request = self.inner.request(cdr);
        let inner = Arc::clone(&self.inner);
        async move { inner.call(request?).await }
    }

    /// As [`ServiceClient::call`], with request and response as JSON objects.
    ///
    /// # Errors
    /// As [`ServiceClient::call`].
    pub fn call_json(
        &self,
        json: &[u8],
    ) -> impl Future<Output = Result<Bytes, CallError>> + Send + 'static {
        let inner = Arc::clone(&self.inner);
        let request = inner
            .support
            .request
            .definition
            .from_json(json, MAX_JSON)
            .map_err(|reason| inner.bad_request(reason))
            .and_then(|cdr| inner.request(&cdr));
        async move {
            let response = inner.call(request?).await?;
            let json = inner
                .support
                .response
                .definition
                .to_json(&response, MAX_JSON);
            json.map(Bytes::from)
                .map_err(|reason| inner.bad_response(reason))
        }
    }
}

impl Inner {
    fn request(&self, cdr: &[u8]) -> Result<AnyMessage, CallError> {
        let support = &self.support.request;
        let length = support
            .definition
            .check(cdr)
            .map_err(|reason| self.bad_request(reason))?;
        AnyMessage::deserialize(support, &cdr[..length])
            .map_err(|problem| CallError::Failed(problem.to_string()))
    }

    async fn call(&self, request: AnyMessage) -> Result<Bytes, CallError> {
        self.connected().await?;
        // The semaphore is never closed.
        let _permit = self.in_flight.acquire().await;
        let (number, mut response) = self.send(&request)?;
        drop(request);
        let _forget = Forget {
            client: self,
            number,
        };
        let mut misses = 0;
        loop {
            tokio::select! {
                response = &mut response => {
                    let ended = || Err(CallError::Failed("the node is stopping".into()));
                    return response.unwrap_or_else(|_| ended());
                }
                () = tokio::time::sleep(ALIVE_CHECK) => {
                    misses = if self.handle.is_ready() { 0 } else { misses + 1 };
                    if misses >= GONE_CHECKS {
                        return Err(CallError::Gone(self.name.clone()));
                    }
                }
            }
        }
    }

    async fn connected(&self) -> Result<(), CallError> {
        let deadline = tokio::time::Instant::now() + CONNECT;
        while !self.handle.is_ready() {
            if tokio::time::Instant::now() >= deadline {
                return Err(CallError::Unavailable(self.name.clone()));
            }
            tokio::time::sleep(CONNECT_CHECK).await;
        }
        Ok(())
    }

    fn send(
        &self,
        request: &AnyMessage,
    ) -> Result<(i64, oneshot::Receiver<Result<Bytes, CallError>>), CallError> {
        let (waiter, response) = oneshot::channel();
        let mut number = 0;
        // Under the lock until the waiter is known: the response may come at once.
        let mut pending = self.pending.lock();
        // SAFETY: the handle is valid, and the request is a struct of the service's request type.
        let code =
            unsafe { ffi::rcl_send_request(self.handle.as_ptr(), request.as_ptr(), &mut number) };
        if code != ffi::RET_OK {
            return Err(CallError::Failed(ffi::take_error()));
        }
        pending.insert(number, waiter);
        Ok((number, response))
    }

    fn take(&self) -> Result<Option<(i64, AnyMessage)>, CallError> {
        let message = AnyMessage::new(&self.support.response)
            .map_err(|problem| CallError::Failed(problem.to_string()))?;
        let mut info = ffi::ServiceInfo::zeroed();
        let _pending = self.pending.lock();
        // SAFETY: the handle is valid, `info` is the middleware's struct, and the message is a
        // struct of the service's response type.
        let code = unsafe {
            ffi::rcl_take_response_with_info(self.handle.as_ptr(), &mut info, message.as_ptr())
        };
        match code {
            ffi::RET_OK => Ok(Some((info.sequence_number, message))),
            ffi::RET_CLIENT_TAKE_FAILED => Ok(None),
            _ => Err(CallError::Failed(ffi::take_error())),
        }
    }

    /// The message without what the middleware leaves behind it.
    fn serialize(&self, message: &AnyMessage) -> Result<Bytes, CallError> {
        let failed = |reason: String| CallError::Failed(reason);
        let buffer = message
            .serialize()
            .map_err(|problem| failed(problem.to_string()))?;
        let length = self
            .support
            .response
            .definition
            .measure(buffer.payload())
            .map_err(|reason| self.bad_response(reason))?;
        let framed = buffer
            .with_header(&[])
            .map_err(|_| failed("no head room".to_owned()))?;
        Ok(Bytes::from_owner(framed).slice(..length))
    }

    fn bad_request(&self, reason: CdrError) -> CallError {
        CallError::BadRequest {
            type_name: self.support.request.definition.name().to_owned(),
            reason,
        }
    }

    fn bad_response(&self, reason: CdrError) -> CallError {
        CallError::BadResponse {
            type_name: self.support.response.definition.name().to_owned(),
            reason,
        }
    }
}

impl TakeResponses for Inner {
    fn take_responses(&self) {
        // Before the first take: what arrives from now on announces itself again.
        self.announcer.taken();
        loop {
            match self.take() {
                Ok(Some((number, message))) => {
                    // None waits if the caller has forgotten the call.
                    let waiter = self.pending.lock().remove(&number);
                    if let Some(waiter) = waiter {
                        let _ = waiter.send(self.serialize(&message));
                    }
                }
                Ok(None) => return,
                Err(problem) => {
                    warn!(service = self.name, error = %problem, "cannot take a response");
                    return;
                }
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: the handle is valid, and no callback needs no user data. The middleware waits
        // for a callback that runs at this moment, so the announcer is free afterwards.
        let code = unsafe {
            ffi::rcl_client_set_on_new_response_callback(
                self.handle.as_ptr(),
                None,
                std::ptr::null(),
            )
        };
        if code != ffi::RET_OK {
            error!(
                error = ffi::take_error(),
                "cannot remove a client's callback"
            );
            // The middleware may still call it: its announcer must live on.
            std::mem::forget(Arc::clone(&self.announcer));
        }
    }
}

/// Forgets a call when it is over, however it ends.
struct Forget<'c> {
    client: &'c Inner,
    number: i64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.client.pending.lock().remove(&self.number);
    }
}
