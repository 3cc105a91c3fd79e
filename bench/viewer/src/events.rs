//! The line to the harness: JSON objects on standard output, and the end of standard input.

use std::io::{BufRead, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tokio::sync::oneshot;

/// Seconds since the epoch, as the producers stamp their messages.
pub(crate) fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

/// Prints one event with the time of the call; `fields` is a JSON object.
pub(crate) fn emit(event: &str, mut fields: Value) {
    fields["event"] = event.into();
    fields["time"] = now().into();
    let mut output = std::io::stdout().lock();
    // The harness may be gone; then nobody wants to know.
    let _ = writeln!(output, "{fields}").and_then(|()| output.flush());
}

/// Resolves once standard input says anything or ends.
pub(crate) fn end_of_input() -> oneshot::Receiver<()> {
    let (ended, end) = oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        // An unreadable input has ended, too.
        let _ = std::io::stdin().lock().read_line(&mut line);
        let _ = ended.send(());
    });
    end
}
