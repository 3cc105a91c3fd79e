//! Events on standard output.

use std::io::Write;

use serde_json::Value;

/// Prints an event and its details on a line.
pub(crate) fn report(event: &str, mut details: Value) {
    details["event"] = event.into();
    let mut out = std::io::stdout().lock();
    // Nobody reads any more: the test is over.
    let _ = writeln!(out, "{details}").and_then(|()| out.flush());
}
