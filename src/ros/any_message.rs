//! Messages of types unknown at compile time, as the C structs that rcl takes and gives.
#![allow(unsafe_code)]

use super::buffer::HeadroomBuffer;
use super::ffi::{self, SerializedMessage};
use super::type_support::MessageSupport;
use std::borrow::Cow;
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;
use thiserror::Error;

/// Why a message could not be made or read.
#[derive(Debug, Error)]
pub(super) enum MessageError {
    #[error("no memory for a message of type {0}")]
    Memory(String),
    /// The middleware refused what the definition allows.
    #[error("the middleware cannot read the message: {0}")]
    Deserialize(String),
    #[error("the middleware cannot write the message: {0}")]
    Serialize(String),
}

/// A C struct of a message type, owned.
pub(super) struct AnyMessage {
    pointer: NonNull<c_void>,
    support: Arc<MessageSupport>,
}

// SAFETY: the struct and what it points to are owned by this value alone, and the generated code
// allocates and frees with malloc and free, from any thread.
unsafe impl Send for AnyMessage {}

impl AnyMessage {
    /// A message as newly made.
    pub(super) fn new(support: &Arc<MessageSupport>) -> Result<Self, MessageError> {
        // SAFETY: `create` is the generated function of this type, which takes nothing.
        let pointer = unsafe { (support.create)() };
        Ok(Self {
            pointer: NonNull::new(pointer)
                .ok_or_else(|| MessageError::Memory(support.definition.name().to_owned()))?,
            support: Arc::clone(support),
        })
    }

    /// A message from its serialized form, which must have been checked against the definition.
    pub(super) fn deserialize(
        support: &Arc<MessageSupport>,
        checked: &[u8],
    ) -> Result<Self, MessageError> {
        let message = Self::new(support)?;
        let serialized = SerializedMessage {
            // Only read.
            buffer: checked.as_ptr().cast_mut(),
            buffer_length: checked.len(),
            buffer_capacity: checked.len(),
            allocator: HeadroomBuffer::empty_array().allocator,
        };
        // SAFETY: the array describes `checked`, which outlives the call and is only read; the
        // struct and the type support are those of one type.
        let code = unsafe {
            ffi::rmw_deserialize(&serialized, support.type_support, message.pointer.as_ptr())
        };
        match code {
            ffi::RET_OK => Ok(message),
            _ => Err(MessageError::Deserialize(ffi::take_error())),
        }
    }

    /// The serialized form. Its length may be an estimate that is too large.
    pub(super) fn serialize(&self) -> Result<HeadroomBuffer, MessageError> {
        let mut array = HeadroomBuffer::empty_array();
        // SAFETY: the struct and the type support are those of one type, and `array` is an empty
        // array with a valid allocator.
        let code = unsafe {
            ffi::rmw_serialize(self.pointer.as_ptr(), self.support.type_support, &mut array)
        };
        // SAFETY: the array is the one from above, filled by the middleware. It is taken over
        // whatever the code, so that its block is freed.
        let buffer = unsafe { HeadroomBuffer::from_array(array) };
        match (code, buffer) {
            (ffi::RET_OK, Some(buffer)) => Ok(buffer),
            _ => Err(MessageError::Serialize(ffi::take_error())),
        }
    }

    /// The address of the struct.
    pub(super) fn as_ptr(&self) -> *mut c_void {
        self.pointer.as_ptr()
    }

    /// The message as rclrs takes it, which hands the address on to rcl.
    pub(super) fn as_opaque(&self) -> &Opaque {
        // SAFETY: `Opaque` has no size and no alignment; the address is not null and lives as long
        // as `self`.
        unsafe { self.pointer.cast().as_ref() }
    }
}

impl Drop for AnyMessage {
    fn drop(&mut self) {
        // SAFETY: the pointer came from the `create` of this type, and nobody else frees it.
        unsafe { (self.support.destroy)(self.pointer.as_ptr()) };
    }
}

/// Stands for any message type in rclrs, which takes type supports and addresses from types.
#[derive(Debug, Clone, Default)]
#[repr(C)]
pub(super) struct Opaque([u8; 0]);

thread_local! {
    static TYPE_SUPPORT: Cell<*const c_void> = const { Cell::new(std::ptr::null()) };
}

impl Opaque {
    /// Runs `create`, in which rclrs asks for a type support, with the given one.
    pub(super) fn with_type_support<R>(
        type_support: *const c_void,
        create: impl FnOnce() -> R,
    ) -> R {
        TYPE_SUPPORT.set(type_support);
        let result = create();
        TYPE_SUPPORT.set(std::ptr::null());
        result
    }
}

impl rosidl_runtime_rs::Message for Opaque {
    type RmwMsg = Self;

    fn into_rmw_message(message: Cow<'_, Self>) -> Cow<'_, Self> {
        message
    }

    fn from_rmw_message(message: Self) -> Self {
        message
    }
}

impl rosidl_runtime_rs::RmwMessage for Opaque {
    const TYPE_NAME: &'static str = "";

    fn get_type_support() -> *const c_void {
        TYPE_SUPPORT.get()
    }
}

/// Stands for any service type in rclrs.
pub(super) struct OpaqueService;

impl rosidl_runtime_rs::Service for OpaqueService {
    type Request = Opaque;
    type Response = Opaque;

    fn get_type_support() -> *const c_void {
        TYPE_SUPPORT.get()
    }
}
