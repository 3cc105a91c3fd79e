//! The few rcl functions that rclrs keeps to itself, and the C structs they take.
//!
//! The layouts are those of rcutils and rmw from Humble on; the comments say where
//! a distribution differs.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_int, c_void, CStr};

/// `RCL_RET_OK`.
pub(super) const RET_OK: c_int = 0;
/// `RCL_RET_SUBSCRIPTION_TAKE_FAILED`: there was nothing to take.
pub(super) const RET_TAKE_FAILED: c_int = 401;
/// `RCL_RET_CLIENT_TAKE_FAILED`: there was no response to take.
pub(super) const RET_CLIENT_TAKE_FAILED: c_int = 501;

/// `rcutils_allocator_t`.
#[repr(C)]
pub(super) struct Allocator {
    pub allocate: extern "C" fn(size: usize, state: *mut c_void) -> *mut c_void,
    pub deallocate: unsafe extern "C" fn(pointer: *mut c_void, state: *mut c_void),
    pub reallocate:
        unsafe extern "C" fn(pointer: *mut c_void, size: usize, state: *mut c_void) -> *mut c_void,
    pub zero_allocate: extern "C" fn(count: usize, size: usize, state: *mut c_void) -> *mut c_void,
    pub state: *mut c_void,
}

/// `rcutils_uint8_array_t`, which `rmw_serialized_message_t` is an alias of.
#[repr(C)]
pub(super) struct SerializedMessage {
    pub buffer: *mut u8,
    pub buffer_length: usize,
    pub buffer_capacity: usize,
    pub allocator: Allocator,
}

/// `rmw_message_info_t`, with room for the longest form.
///
/// The gid is 24 bytes in Humble and 16 later. Nothing behind it is read here, and
/// what the shorter form writes behind its gid falls into `gid_and_rest`.
#[repr(C)]
pub(super) struct MessageInfo {
    pub source_timestamp: i64,
    pub received_timestamp: i64,
    pub publication_sequence_number: u64,
    pub reception_sequence_number: u64,
    pub implementation_identifier: *const c_char,
    pub gid_and_rest: [u8; 32],
}

impl MessageInfo {
    pub(super) fn zeroed() -> Self {
        Self {
            source_timestamp: 0,
            received_timestamp: 0,
            publication_sequence_number: 0,
            reception_sequence_number: 0,
            implementation_identifier: std::ptr::null(),
            gid_and_rest: [0; 32],
        }
    }
}

/// `rcutils_error_string_t`, 1024 bytes in every distribution.
#[repr(C)]
struct ErrorString([c_char; 1024]);

/// `rmw_event_callback_t`.
pub(super) type EventCallback =
    unsafe extern "C" fn(user_data: *const c_void, number_of_events: usize);

/// `rmw_service_info_t`, the same in every distribution from Humble on.
#[repr(C)]
pub(super) struct ServiceInfo {
    pub source_timestamp: i64,
    pub received_timestamp: i64,
    pub writer_guid: [u8; 16],
    pub sequence_number: i64,
}

impl ServiceInfo {
    pub(super) fn zeroed() -> Self {
        Self {
            source_timestamp: 0,
            received_timestamp: 0,
            writer_guid: [0; 16],
            sequence_number: 0,
        }
    }
}

// A subscription is `rcl_subscription_t` and a client `rcl_client_t`, whose Rust types rclrs does
// not export. A type support is `rosidl_message_type_support_t`, a message any C struct.
extern "C" {
    pub(super) fn rcl_take_serialized_message(
        subscription: *const c_void,
        message: *mut SerializedMessage,
        info: *mut MessageInfo,
        allocation: *mut c_void,
    ) -> c_int;
    pub(super) fn rcl_subscription_set_on_new_message_callback(
        subscription: *const c_void,
        callback: Option<EventCallback>,
        user_data: *const c_void,
    ) -> c_int;
    pub(super) fn rmw_deserialize(
        serialized: *const SerializedMessage,
        type_support: *const c_void,
        message: *mut c_void,
    ) -> c_int;
    pub(super) fn rmw_serialize(
        message: *const c_void,
        type_support: *const c_void,
        serialized: *mut SerializedMessage,
    ) -> c_int;
    pub(super) fn rcl_send_request(
        client: *const c_void,
        request: *const c_void,
        sequence_number: *mut i64,
    ) -> c_int;
    pub(super) fn rcl_take_response_with_info(
        client: *const c_void,
        info: *mut ServiceInfo,
        response: *mut c_void,
    ) -> c_int;
    pub(super) fn rcl_client_set_on_new_response_callback(
        client: *const c_void,
        callback: Option<EventCallback>,
        user_data: *const c_void,
    ) -> c_int;
    fn rmw_get_implementation_identifier() -> *const c_char;
    fn rcutils_get_error_string() -> ErrorString;
    fn rcutils_reset_error();
}

/// Name of the middleware, such as `rmw_fastrtps_cpp`; empty if none is loaded.
pub(super) fn middleware() -> String {
    // SAFETY: no preconditions; the result is null or a static text that ends with a NUL.
    let name = unsafe {
        let name = rmw_get_implementation_identifier();
        (!name.is_null()).then(|| CStr::from_ptr(name))
    };
    name.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// Takes the thread's pending rcl error text, so that the next error does not complain about it.
pub(super) fn take_error() -> String {
    // SAFETY: no preconditions; both work on a thread-local of rcutils, and the text is
    // returned by value.
    let text = unsafe {
        let text = rcutils_get_error_string();
        rcutils_reset_error();
        text
    };
    // SAFETY: rcutils ends the text with a NUL inside the array, and the array is `text`'s own.
    let text = unsafe { CStr::from_ptr(text.0.as_ptr()) };
    text.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::{offset_of, size_of};

    #[test]
    fn layouts_are_those_of_the_c_headers() {
        assert_eq!(size_of::<Allocator>(), 5 * size_of::<usize>());
        assert_eq!(
            offset_of!(SerializedMessage, allocator),
            3 * size_of::<usize>()
        );
        assert_eq!(offset_of!(MessageInfo, implementation_identifier), 32);
        assert_eq!(offset_of!(ServiceInfo, sequence_number), 32);
        // Humble's form, the longest one, ends 25 bytes behind the pointer (padded to 72).
        assert!(size_of::<MessageInfo>() >= 72);
    }

    #[test]
    fn no_pending_error_gives_a_text_too() {
        assert!(!take_error().is_empty());
    }
}
