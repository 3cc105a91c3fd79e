//! Logging as ROS logs: on the console, in ROS's log files and on `/rosout`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use rclrs::{log, LogSeverity, Logger, Node, RclrsError, ToLogParams};
use remote_access_session::AUDIT_TARGET;
use std::sync::Arc;
use std::time::Duration;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{DefaultFields, Writer};
use tracing_subscriber::fmt::{FormatFields, FormattedFields};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{LookupSpan, Scope};

use super::Ros;

/// Messages for `/rosout` within [`PERIOD`]. A viewer may watch `/rosout`, so that what is logged
/// about sending it would come back for ever.
const MOST: u32 = 50;
const PERIOD: Duration = Duration::from_secs(1);

/// Logs events of `tracing` through ROS. Until a node is there, and after it, on the console alone.
#[derive(Clone)]
pub struct RosLog {
    state: Arc<Mutex<State>>,
    clean: Clean,
}

/// Removes from a text what must not be logged.
type Clean = fn(&str) -> Cow<'_, str>;

#[derive(Default)]
struct State {
    loggers: Option<NodeLoggers>,
    since: Option<Instant>,
    count: u32,
}

/// The loggers of a node.
#[derive(Clone)]
pub(super) struct NodeLoggers {
    /// The node's own, which `/rosout` shows.
    node: Logger,
    /// One that it does not show.
    quiet: Logger,
    /// The audit. `/rosout` does not show it either: viewers may watch that.
    audit: Logger,
}

impl NodeLoggers {
    /// Creates them. No other thread may use ROS yet: rcutils keeps levels in a map without a lock, and
    /// every call into rcl reads it.
    pub(super) fn new(node: &Node) -> Result<Self, RclrsError> {
        let node = node.logger().clone();
        let quiet = node.create_child("debug")?;
        let audit = node.create_child("audit")?;
        for logger in [&node, &quiet, &audit] {
            // What is logged at all, the filter has decided before.
            logger.set_level(LogSeverity::Debug)?;
        }
        Ok(Self { node, quiet, audit })
    }
}

impl RosLog {
    /// Of each text it logs what `clean` leaves.
    #[must_use]
    pub fn new(clean: Clean) -> Self {
        Self {
            state: Arc::default(),
            clean,
        }
    }

    /// From now on events go through the node's loggers.
    pub fn attach(&self, ros: &Ros) {
        self.state.lock().loggers = Some(ros.loggers.clone());
    }

    /// From now on events go to the console alone: the node is about to end.
    pub fn detach(&self) {
        self.state.lock().loggers = None;
    }
}

impl State {
    /// The logger of an event, if there is a node. Debugging is about single messages: about those of
    /// `/rosout`, too, so that only what `is_public` goes there.
    fn logger(&mut self, is_audit: bool, is_public: bool) -> Option<Logger> {
        let fits = is_public && self.may_publish(Instant::now());
        let loggers = self.loggers.as_ref()?;
        let logger = match (is_audit, fits) {
            (true, _) => &loggers.audit,
            (false, true) => &loggers.node,
            (false, false) => &loggers.quiet,
        };
        Some(logger.clone())
    }

    /// Whether another message may go to `/rosout`.
    fn may_publish(&mut self, now: Instant) -> bool {
        let is_over = |since: Instant| now.saturating_duration_since(since) >= PERIOD;
        if self.since.is_none_or(is_over) {
            self.since = Some(now);
            self.count = 0;
        }
        self.count += 1;
        self.count <= MOST
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for RosLog {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else {
            return;
        };
        let mut fields = FormattedFields::<DefaultFields>::new(String::new());
        let formatted = DefaultFields::new().format_fields(fields.as_writer(), attributes);
        if formatted.is_ok() {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else {
            return;
        };
        let mut extensions = span.extensions_mut();
        if let Some(fields) = extensions.get_mut::<FormattedFields<DefaultFields>>() {
            // Writing into a text does not fail.
            DefaultFields::new().add_fields(fields, values).ok();
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut text = String::new();
        for span in context
            .event_scope(event)
            .into_iter()
            .flat_map(Scope::from_root)
        {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<DefaultFields>>();
            let fields = fields.map_or("", |fields| fields.fields.as_str());
            let (open, close) = if fields.is_empty() {
                ("", "")
            } else {
                ("{", "}")
            };
            write!(text, "{}{open}{fields}{close}: ", span.name()).ok();
        }
        if DefaultFields::new()
            .format_fields(Writer::new(&mut text), event)
            .is_err()
        {
            return;
        }
        // ROS passes texts on to C.
        let text = (self.clean)(&text).replace('\0', "\\0");
        let level = *event.metadata().level();
        let is_audit = event.metadata().target() == AUDIT_TARGET;
        let is_public = !is_audit && level <= Level::INFO;
        // The lock is released before ROS logs: the middleware may wait for a thread that logs, too.
        let Some(logger) = self.state.lock().logger(is_audit, is_public) else {
            print(level, &text);
            return;
        };
        match level {
            Level::ERROR => log!(logger.error(), "{text}"),
            Level::WARN => log!(logger.warn(), "{text}"),
            Level::INFO => log!(logger.info(), "{text}"),
            _ => log!(logger.debug(), "{text}"),
        }
    }
}

/// Prints a line as ROS does.
fn print(level: Level, text: &str) {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mut line = String::new();
    let (seconds, nanoseconds) = (now.as_secs(), now.subsec_nanos());
    // Writing into a text does not fail, and nothing is left to be done about a console that is gone.
    writeln!(
        line,
        "[{level}] [{seconds}.{nanoseconds:09}] [remote_access_bridge]: {text}"
    )
    .ok();
    std::io::stderr().write_all(line.as_bytes()).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_messages_go_out_in_a_period() {
        let mut state = State::default();
        let begin = Instant::now();
        let sent = (0..1000).filter(|_| state.may_publish(begin)).count();
        assert_eq!(sent, MOST as usize);
        assert!(state.may_publish(begin + PERIOD));
    }
}
