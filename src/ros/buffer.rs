//! Buffers with head room, filled by the middleware.
//!
//! A message is framed before it goes out. To put the frame's header right before the
//! payload without a copy, the middleware gets an allocator whose blocks begin
//! [`HEADROOM`] bytes before the pointer it sees.
#![allow(unsafe_code)]

use super::ffi::{Allocator, SerializedMessage};
use std::ffi::c_void;
use std::ptr::NonNull;

/// Bytes before each payload that a header may use. Enough for the largest frame header
/// of the protocol (opcode, length, message opcode, channel id, log time: 22 bytes), and a
/// multiple of the alignment that malloc gives.
pub const HEADROOM: usize = 32;

/// One message's bytes, with [`HEADROOM`] free bytes before them.
pub(super) struct HeadroomBuffer {
    /// Points [`HEADROOM`] bytes into a block of libc's allocator.
    payload: NonNull<u8>,
    length: usize,
}

// SAFETY: the block is owned by this value alone, and libc's allocator frees blocks from any thread.
unsafe impl Send for HeadroomBuffer {}
// SAFETY: through a shared reference the bytes are only read.
unsafe impl Sync for HeadroomBuffer {}

impl HeadroomBuffer {
    /// An array for the middleware to fill, which allocates its block with head room.
    pub(super) fn empty_array() -> SerializedMessage {
        SerializedMessage {
            buffer: std::ptr::null_mut(),
            buffer_length: 0,
            buffer_capacity: 0,
            allocator: Allocator {
                allocate,
                deallocate,
                reallocate,
                zero_allocate,
                state: std::ptr::null_mut(),
            },
        }
    }

    /// Takes over the block of an array made by [`Self::empty_array`].
    /// None if the middleware put nothing into it.
    ///
    /// # Safety
    /// `array` comes from [`Self::empty_array`], and what is in it was put there by the
    /// middleware: its first `buffer_length` bytes are written.
    pub(super) unsafe fn from_array(array: SerializedMessage) -> Option<Self> {
        NonNull::new(array.buffer).map(|payload| Self {
            payload,
            length: array.buffer_length,
        })
    }

    /// A buffer with a copy of `payload`. None if there is no memory.
    pub(super) fn copy_of(payload: &[u8]) -> Option<Self> {
        let block = NonNull::new(allocate(payload.len(), std::ptr::null_mut()).cast::<u8>())?;
        // SAFETY: the block has just been allocated with room for the payload behind its head room.
        unsafe { block.copy_from_nonoverlapping(NonNull::from(payload).cast(), payload.len()) };
        Some(Self {
            payload: block,
            length: payload.len(),
        })
    }

    /// The message's bytes.
    pub(super) fn payload(&self) -> &[u8] {
        // SAFETY: the block is live as long as `self`, and its first `length` bytes are written.
        unsafe { std::slice::from_raw_parts(self.payload.as_ptr(), self.length) }
    }

    /// Writes `header` right before the payload. Gives the buffer back if it is longer
    /// than [`HEADROOM`].
    pub(super) fn with_header(self, header: &[u8]) -> Result<Framed, Self> {
        if header.len() > HEADROOM {
            return Err(self);
        }
        // SAFETY: the head room before the payload belongs to the block, and `self` owns the
        // block alone; `header` cannot lie inside it.
        unsafe {
            self.payload
                .sub(header.len())
                .copy_from_nonoverlapping(NonNull::from(header).cast(), header.len())
        };
        Ok(Framed {
            buffer: self,
            header: header.len(),
        })
    }
}

impl Drop for HeadroomBuffer {
    fn drop(&mut self) {
        // SAFETY: the payload's pointer came from this allocator, and nobody else frees it.
        unsafe { deallocate(self.payload.as_ptr().cast(), std::ptr::null_mut()) };
    }
}

/// A buffer whose last head room bytes hold a header: header and payload are contiguous.
pub(super) struct Framed {
    buffer: HeadroomBuffer,
    header: usize,
}

impl AsRef<[u8]> for Framed {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: `with_header` wrote `header` bytes right before the payload, and the payload's
        // `length` bytes are written; all of it lies in one block that lives as long as `self`.
        unsafe {
            let start = self.buffer.payload.sub(self.header);
            std::slice::from_raw_parts(start.as_ptr(), self.header + self.buffer.length)
        }
    }
}

/// Moves a block's start so that callers see the byte behind the head room. Null stays null.
fn behind_headroom(block: *mut c_void) -> *mut c_void {
    if block.is_null() {
        return block;
    }
    // SAFETY: every block here is allocated HEADROOM bytes longer than was asked for.
    unsafe { block.cast::<u8>().add(HEADROOM).cast() }
}

extern "C" fn allocate(size: usize, _state: *mut c_void) -> *mut c_void {
    match size.checked_add(HEADROOM) {
        // SAFETY: malloc has no preconditions.
        Some(size) => behind_headroom(unsafe { libc::malloc(size) }),
        None => std::ptr::null_mut(),
    }
}

extern "C" fn zero_allocate(count: usize, size: usize, _state: *mut c_void) -> *mut c_void {
    match count
        .checked_mul(size)
        .and_then(|bytes| bytes.checked_add(HEADROOM))
    {
        // SAFETY: calloc has no preconditions.
        Some(bytes) => behind_headroom(unsafe { libc::calloc(1, bytes) }),
        None => std::ptr::null_mut(),
    }
}

/// # Safety
/// `pointer` is null or comes from this allocator and has not been freed.
unsafe extern "C" fn reallocate(
    pointer: *mut c_void,
    size: usize,
    state: *mut c_void,
) -> *mut c_void {
    if pointer.is_null() {
        return allocate(size, state);
    }
    match size.checked_add(HEADROOM) {
        // SAFETY: the block that `pointer` belongs to starts HEADROOM bytes before it and is live.
        Some(size) => behind_headroom(unsafe {
            libc::realloc(pointer.cast::<u8>().sub(HEADROOM).cast(), size)
        }),
        None => std::ptr::null_mut(),
    }
}

/// # Safety
/// `pointer` is null or comes from this allocator and has not been freed.
unsafe extern "C" fn deallocate(pointer: *mut c_void, _state: *mut c_void) {
    if !pointer.is_null() {
        // SAFETY: the block that `pointer` belongs to starts HEADROOM bytes before it and is live.
        unsafe { libc::free(pointer.cast::<u8>().sub(HEADROOM).cast()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_that_grows_from_nothing_keeps_its_bytes() {
        let mut array = HeadroomBuffer::empty_array();
        for size in [5, 70_000] {
            // SAFETY: as rcutils calls it: null first, then the block of the call before.
            array.buffer = unsafe {
                (array.allocator.reallocate)(array.buffer.cast(), size, std::ptr::null_mut())
            }
            .cast();
            if size == 5 {
                // SAFETY: five bytes have just been allocated.
                unsafe { array.buffer.copy_from_nonoverlapping(b"hello".as_ptr(), 5) };
            }
        }
        array.buffer_length = 5;
        // SAFETY: the array is ours and its first five bytes are written.
        let buffer = unsafe { HeadroomBuffer::from_array(array) }.expect("a block");
        assert_eq!(buffer.payload(), b"hello");
    }

    #[test]
    fn header_and_payload_are_contiguous() {
        for header in [0, 1, 22, HEADROOM] {
            let buffer = HeadroomBuffer::copy_of(b"payload").expect("memory");
            let before = buffer.payload().as_ptr();
            let header = vec![7u8; header];
            let framed = buffer.with_header(&header).map_err(|_| ()).expect("fits");
            assert_eq!(framed.as_ref(), [&header[..], b"payload"].concat());
            assert_eq!(
                framed.as_ref()[header.len()..].as_ptr(),
                before,
                "the payload was copied"
            );
        }
    }

    #[test]
    fn a_header_longer_than_the_head_room_is_refused() {
        let buffer = HeadroomBuffer::copy_of(b"payload").expect("memory");
        let back = buffer
            .with_header(&[0; HEADROOM + 1])
            .err()
            .expect("too long");
        assert_eq!(back.payload(), b"payload");
    }

    #[test]
    fn sizes_that_overflow_fail_cleanly() {
        assert!(allocate(usize::MAX, std::ptr::null_mut()).is_null());
        assert!(zero_allocate(usize::MAX, 2, std::ptr::null_mut()).is_null());
        // SAFETY: null is allowed by both.
        unsafe {
            assert!(
                reallocate(std::ptr::null_mut(), usize::MAX - 3, std::ptr::null_mut()).is_null()
            );
            deallocate(std::ptr::null_mut(), std::ptr::null_mut());
        }
    }

    #[test]
    fn zeroed_blocks_are_zero() {
        let pointer = zero_allocate(3, 5, std::ptr::null_mut()).cast::<u8>();
        // SAFETY: fifteen zeroed bytes were allocated, and are freed once.
        unsafe {
            assert_eq!(std::slice::from_raw_parts(pointer, 15), [0; 15]);
            deallocate(pointer.cast(), std::ptr::null_mut());
        }
    }
}
