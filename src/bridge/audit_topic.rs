//! The audit as a ROS topic: what viewers do to the robot, and what they are refused.

use std::sync::{Arc, OnceLock};

use flume::Sender;
use serde_json::{json, Map, Value};
use tokio::runtime::Handle;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer};

use crate::ros::{PublisherQos, Ros, RosError};
use remote_access_session::AUDIT_TARGET;

/// A hidden topic: viewers, who may watch all others, do not see it.
const TOPIC: &str = "~/_audit";
/// Entries that wait to be published, and that the publisher keeps. A viewer causes a few per second.
const DEPTH: u32 = 100;

/// Takes the lines of the audit and publishes them as JSON, once it is started. Clones are the same.
#[derive(Clone, Default)]
pub struct AuditTopic(Arc<OnceLock<Sender<String>>>);

impl AuditTopic {
    /// The lines that it has to get.
    #[must_use]
    pub fn filter() -> Targets {
        Targets::new().with_target(AUDIT_TARGET, LevelFilter::INFO)
    }

    /// Publishes on `~/_audit` from now on, until the runtime ends.
    ///
    /// # Errors
    /// The publisher cannot be created.
    pub fn start(&self, ros: &Ros, runtime: &Handle) -> Result<(), RosError> {
        let qos = PublisherQos {
            depth: DEPTH,
            ..PublisherQos::default()
        };
        let publisher = ros.publisher(TOPIC, "std_msgs/msg/String", qos)?;
        let (sender, entries) = flume::bounded::<String>(DEPTH as usize);
        runtime.spawn(async move {
            while let Ok(entry) = entries.recv_async().await {
                let message = json!({ "data": entry }).to_string();
                // The log has the line already.
                let _ = publisher.publish_json(message.as_bytes());
            }
        });
        // A second start changes nothing.
        let _ = self.0.set(sender);
        Ok(())
    }
}

impl<S: Subscriber> Layer<S> for AuditTopic {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if let Some(entries) = self.0.get() {
            let mut fields = Fields::default();
            event.record(&mut fields);
            // Whoever logs does not wait; the log has the line in any case.
            let _ = entries.try_send(Value::Object(fields.0).to_string());
        }
    }
}

/// The fields of a line but its text.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn add(&mut self, field: &Field, value: Value) {
        if field.name() != "message" {
            self.0.insert(field.name().to_owned(), value);
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.add(field, format!("{value:?}").into());
    }
}
