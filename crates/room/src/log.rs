//! What a program logs of the SDK.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::Layer;

/// Default log filter of a program, for `tracing`. The SDK logs normal events as warnings.
pub const DEFAULT_LOG: &str = "info,livekit=error,livekit_signaling=error,libwebrtc=warn,\
                               webrtc_channels=warn,\
                               turn_client_proto=error,stun_proto=error";

/// When a session of the SDK closes, its task that sends data may end just before the task that tells it
/// how much was sent. The SDK logs what nobody waits for any more as an error.
const OF_CLOSING: &str = "failed to send dc_event buffer_amount_change";

/// Layer that drops what the SDK logs as an error and is none.
///
/// It adds nothing to what other layers log, and looks at errors alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct WithoutFalseErrors;

impl<S: Subscriber> Layer<S> for WithoutFalseErrors {
    // None would stand for every level.
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::OFF)
    }

    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        if *event.metadata().level() != Level::ERROR {
            return true;
        }
        let mut message = Message::default();
        event.record(&mut message);
        !message.0.starts_with(OF_CLOSING)
    }
}

#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Writing into a text does not fail.
            let _ = write!(self.0, "{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use parking_lot::Mutex;
    use tracing::{error, info};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn only_the_false_error_is_dropped() {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .finish()
            .with(WithoutFalseErrors);
        tracing::subscriber::with_default(subscriber, || {
            error!("failed to send dc_event buffer_amount_change: SendError {{ .. }}");
            error!("failed to send data: no channel");
            info!("failed to send dc_event buffer_amount_change");
        });
        let text = String::from_utf8(written.0.lock().clone()).expect("a text");
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(
            text.contains("no channel") && text.contains(" INFO "),
            "{text}"
        );
    }

    #[test]
    fn it_asks_for_no_level() {
        let quiet = tracing_subscriber::fmt()
            .with_max_level(Level::WARN)
            .finish()
            .with(WithoutFalseErrors);
        assert_eq!(quiet.max_level_hint(), Some(LevelFilter::WARN));
    }
}
