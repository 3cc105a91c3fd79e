//! One rcl subscription that announces and gives serialized messages.
#![allow(unsafe_code)]

use super::buffer::HeadroomBuffer;
use super::ffi;
use super::handle::{HandleError, SubscriptionHandle};
use super::message::{PublisherId, RawMessage};
use rclrs::{MessageTypeName, Node, QoSProfile};
use std::ffi::{c_int, c_void};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use thiserror::Error;
use tracing::error;

/// Why a source could not be opened.
#[derive(Debug, Error)]
pub(super) enum OpenError {
    #[error(transparent)]
    Create(#[from] HandleError),
    /// The middleware does not announce messages.
    #[error("the middleware does not announce messages: {0}")]
    NoEvents(String),
}

/// Why a message could not be taken.
#[derive(Debug, Error)]
#[error("rcl error {code}: {text}")]
pub(super) struct TakeError {
    code: c_int,
    text: String,
}

/// Called when messages have arrived, by threads of the middleware while it holds locks:
/// must not block, and must not call into ROS.
pub(super) trait Announce: Send + Sync + 'static {
    fn announce(&self);
}

/// A subscription with its announcer. Dropping it ends the subscription, and no
/// announcement comes after.
pub(super) struct Source<A: Announce> {
    handle: SubscriptionHandle,
    announcer: Arc<A>,
}

impl<A: Announce> Source<A> {
    /// Subscribes. Messages that arrive before this returns may not be announced.
    pub(super) fn open(
        node: &Node,
        topic: &str,
        message_type: MessageTypeName,
        qos: QoSProfile,
        announcer: Arc<A>,
    ) -> Result<Self, OpenError> {
        let handle = SubscriptionHandle::create(node, topic, message_type, qos)?;
        // SAFETY: the handle is valid, the callback takes a pointer to an `A`, and the `A` is
        // kept alive by the source until its drop has removed the callback.
        let code = unsafe {
            ffi::rcl_subscription_set_on_new_message_callback(
                handle.as_ptr(),
                Some(on_new_message::<A>),
                Arc::as_ptr(&announcer).cast(),
            )
        };
        if code != ffi::RET_OK {
            return Err(OpenError::NoEvents(ffi::take_error()));
        }
        Ok(Self { handle, announcer })
    }

    /// Takes the next message, if there is one.
    pub(super) fn take(&self) -> Result<Option<RawMessage>, TakeError> {
        let mut array = HeadroomBuffer::empty_array();
        let mut info = ffi::MessageInfo::zeroed();
        // SAFETY: the handle is valid, `array` is an empty array with a valid allocator, `info`
        // is at least as large as the middleware's, and a null allocation is allowed.
        let code = unsafe {
            ffi::rcl_take_serialized_message(
                self.handle.as_ptr(),
                &mut array,
                &mut info,
                std::ptr::null_mut(),
            )
        };
        // SAFETY: the array is the one from above, filled by the middleware. It is taken over
        // whatever the code, so that its block is freed.
        let buffer = unsafe { HeadroomBuffer::from_array(array) };
        match (code, buffer) {
            (ffi::RET_OK, Some(buffer)) => Ok(Some(RawMessage {
                buffer,
                publisher: publisher_id(&info),
                source_time_ns: u64::try_from(info.source_timestamp).unwrap_or(0),
                receive_time_ns: receive_time_ns(info.received_timestamp),
            })),
            (ffi::RET_OK, None) | (ffi::RET_TAKE_FAILED, _) => Ok(None),
            (code, _) => Err(TakeError {
                code,
                text: ffi::take_error(),
            }),
        }
    }
}

impl<A: Announce> Drop for Source<A> {
    fn drop(&mut self) {
        // SAFETY: the handle is valid, and no callback needs no user data. The middleware waits
        // for a callback that runs at this moment, so the announcer is free afterwards.
        let code = unsafe {
            ffi::rcl_subscription_set_on_new_message_callback(
                self.handle.as_ptr(),
                None,
                std::ptr::null(),
            )
        };
        if code != ffi::RET_OK {
            error!(
                "cannot remove a subscription's callback: {}",
                ffi::take_error()
            );
            // The middleware may still call it: its announcer must live on.
            std::mem::forget(Arc::clone(&self.announcer));
        }
    }
}

/// # Safety
/// `user_data` points to a live `A`.
unsafe extern "C" fn on_new_message<A: Announce>(
    user_data: *const c_void,
    _number_of_events: usize,
) {
    // SAFETY: as required from the caller.
    unsafe { &*user_data.cast::<A>() }.announce();
}

fn publisher_id(info: &ffi::MessageInfo) -> PublisherId {
    std::array::from_fn(|at| info.gid_and_rest[at])
}

/// The middleware's time of arrival, or now if it gives none.
fn receive_time_ns(received: i64) -> u64 {
    match u64::try_from(received) {
        Ok(time) if time > 0 => time,
        _ => SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| {
                u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
            }),
    }
}
