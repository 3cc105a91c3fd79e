//! The end of the process, which nothing may hold up.
#![allow(
    unsafe_code,
    reason = "std ends a process only through handlers that may hang"
)]

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

/// Longest time from the signal to the end. `ros2 launch` sends SIGTERM after 5 s and SIGKILL after 10 s.
pub const LONGEST_END: Duration = Duration::from_secs(4);

/// The step that the process waits for on its way to the end. Clones share it.
#[derive(Clone, Default)]
pub struct OrderlyEnd(Arc<Mutex<&'static str>>);

impl OrderlyEnd {
    /// Notes what the process waits for from now on.
    pub fn waits_for(&self, what: &'static str) {
        *self.0.lock() = what;
    }

    /// From now on the process has `longest` for its end. After that it names what it waits for, and
    /// ends with code 1.
    ///
    /// # Errors
    /// The system starts no thread.
    pub fn begin(&self, longest: Duration) -> io::Result<()> {
        let end = self.clone();
        let watch = move || {
            std::thread::sleep(longest);
            let what = *end.0.lock();
            let seconds = longest.as_secs_f32();
            // Nothing is left to be done about an output that is gone.
            writeln!(
                io::stderr(),
                "remote_access_bridge: the end has waited {seconds} s for {what}; ends without it"
            )
            .ok();
            // SAFETY: it takes a number and does not return. Handlers of libraries, which may be what
            // hangs, do not run.
            unsafe { libc::_exit(1) }
        };
        let thread = std::thread::Builder::new().name("orderly-end".into());
        thread.spawn(watch).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// In the environment of the process that is to end.
    const HANGS: &str = "REMOTE_ACCESS_TEST_END_HANGS";

    #[test]
    fn an_end_that_hangs_names_what_it_waits_for() {
        if std::env::var_os(HANGS).is_some() {
            let end = OrderlyEnd::default();
            end.begin(Duration::from_millis(50)).unwrap();
            end.waits_for("the test");
            loop {
                std::thread::park();
            }
        }
        let this = "orderly_end::tests::an_end_that_hangs_names_what_it_waits_for";
        let process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", this, "--nocapture"])
            .env(HANGS, "")
            .output()
            .unwrap();
        assert_eq!(process.status.code(), Some(1));
        let text = String::from_utf8_lossy(&process.stderr);
        assert!(text.contains("has waited 0.05 s for the test"), "{text}");
    }
}
