//! A capture of all that the server forwards, before anything decrypts it.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use incoming_filter::MessageFilter;
use parking_lot::Mutex;

/// Writes every packet that comes from now on to a file, one after the other, and lets it through.
pub(crate) fn capture(path: &Path) -> anyhow::Result<()> {
    let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    let file = Arc::new(Mutex::new(file));
    let make = move |_: &str| -> Box<dyn MessageFilter> { Box::new(Capture(file.clone())) };
    incoming_filter::install(Box::new(make))
        .map_err(|_| anyhow::anyhow!("packets are filtered already"))
}

struct Capture(Arc<Mutex<File>>);

impl MessageFilter for Capture {
    fn message(&mut self, data: &[u8], deliver: &mut dyn FnMut(&[u8])) {
        if let Err(error) = self.0.lock().write_all(data) {
            eprintln!("cannot write the capture: {error}");
        }
        deliver(data);
    }
}
