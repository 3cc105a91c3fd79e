//! The end of the node with the process that started it.
#![allow(unsafe_code, reason = "no crate in the tree has this call")]

use std::io;
use std::os::unix::process::parent_id;

/// From now on the kernel asks this process to end (SIGTERM) when the parent process has ended, even if
/// that was killed. Call it on the first thread, which lives as long as the process.
///
/// # Errors
/// The parent has ended already, or the kernel refuses.
pub fn end_with_parent() -> io::Result<()> {
    let parent = parent_id();
    let signal = libc::c_ulong::try_from(libc::SIGTERM).unwrap_or_default();
    // SAFETY: this option takes a number and touches no memory.
    if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // It may have ended just before.
    if parent_id() == parent {
        Ok(())
    } else {
        Err(io::Error::other("the parent process has ended"))
    }
}
