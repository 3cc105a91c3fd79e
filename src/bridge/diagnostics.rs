//! The bridge in ROS terms: `/diagnostics`, and latched topics with the viewers and what they do, and
//! with the connection to them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{json, Value};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::MissedTickBehavior;
use tracing::warn;

use super::connection_message::ConnectionMessages;
use crate::driver::{ConnectionState, EncoderFigures, PathStats, Report, ReportSource};
use crate::ros::{Publisher, PublisherQos, Ros, RosError};
use remote_access_session::{ChannelSnapshot, ParticipantSnapshot, ViewerInfo};

/// Time between two publications of diagnostics, as by diagnostic_updater.
const INTERVAL: Duration = Duration::from_secs(1);
/// Topics that are told of, the busiest first.
const MAX_TOPICS: usize = 100;
/// Problems that are told of.
const MAX_PROBLEMS: usize = 100;
/// Prefix of each status' name, as diagnostic_updater has the node's.
const NODE: &str = "remote_access_bridge";

/// Levels of diagnostic_msgs/DiagnosticStatus.
const OK: u8 = 0;
const WARN: u8 = 1;

/// Publishes until dropped.
pub(super) struct Diagnostics(AbortHandle);

impl Diagnostics {
    pub(super) fn start(ros: Arc<Ros>, reports: ReportSource, runtime: &Handle) -> Self {
        let task = runtime.spawn(async move {
            let publishers = {
                let ros = Arc::clone(&ros);
                tokio::task::spawn_blocking(move || publishers(&ros)).await
            };
            match publishers {
                Ok(Ok(publishers)) => run(&ros, &reports, &publishers).await,
                Ok(Err(error)) => warn!(%error, "there will be no diagnostics"),
                Err(error) => warn!(%error, "there will be no diagnostics"),
            }
        });
        Self(task.abort_handle())
    }
}

impl Drop for Diagnostics {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Publishers {
    diagnostics: Publisher,
    viewers: Publisher,
    connection: Publisher,
}

fn publishers(ros: &Ros) -> Result<Publishers, RosError> {
    let latched = PublisherQos {
        transient_local: true,
        depth: 1,
        ..PublisherQos::default()
    };
    let kind = "diagnostic_msgs/msg/DiagnosticArray";
    let text = "std_msgs/msg/String";
    Ok(Publishers {
        diagnostics: ros.publisher("/diagnostics", kind, PublisherQos::default())?,
        viewers: ros.publisher("~/viewers", text, latched)?,
        connection: ros.publisher("~/connection", text, latched)?,
    })
}

async fn run(ros: &Ros, reports: &ReportSource, to: &Publishers) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = None;
    let mut connection = ConnectionMessages::default();
    loop {
        ticks.tick().await;
        // None: the driver is gone, this is the end.
        let Some(report) = reports.get().await else {
            return;
        };
        publish(&to.diagnostics, &diagnostic_array(ros.now_ns(), &report));
        let message = connection.next(Instant::now(), &report);
        publish(&to.connection, &json!({ "data": message.to_string() }));
        if told.as_ref() != Some(&report.viewers) {
            let list: Vec<Value> = report.viewers.iter().map(viewer).collect();
            let text = json!({ "viewers": list }).to_string();
            publish(&to.viewers, &json!({ "data": text }));
            told = Some(report.viewers);
        }
    }
}

fn publish(publisher: &Publisher, message: &Value) {
    // Not a word about it in the log: it would come every second.
    let _ = publisher.publish_json(message.to_string().as_bytes());
}

fn viewer(viewer: &ViewerInfo) -> Value {
    let topics: Vec<&String> = viewer.publishes.keys().collect();
    json!({
        "name": viewer.name,
        "watches": viewer.watches,
        "publishes": topics,
        "drives": viewer.drives,
    })
}

fn diagnostic_array(now: u64, report: &Report) -> Value {
    let stamp = json!({"sec": now / 1_000_000_000, "nanosec": now % 1_000_000_000});
    let mut statuses = vec![
        session_status(report),
        path_status(report.path.as_ref()),
        topics_status(report),
        encoders_status(report),
        problems_status(report),
    ];
    let viewers = report.viewers.iter().zip(&report.snapshot.participants);
    statuses.extend(viewers.map(|(info, numbers)| viewer_status(info, numbers)));
    json!({"header": {"stamp": stamp}, "status": statuses})
}

fn status(name: &str, level: u8, message: &str, values: &[(String, String)]) -> Value {
    let values: Vec<Value> = values
        .iter()
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect();
    json!({
        "level": level,
        "name": format!("{NODE}: {name}"),
        "message": message,
        "hardware_id": NODE,
        "values": values,
    })
}

fn session_status(report: &Report) -> Value {
    let numbers = &report.snapshot;
    let viewers = format!("{} viewers", report.viewers.len());
    let (level, message) = match report.connection {
        ConnectionState::Up => (OK, viewers.as_str()),
        ConnectionState::Interrupted => (WARN, "the connection is interrupted"),
        ConnectionState::Down => (WARN, "not in the room"),
    };
    let values = [
        ("viewers", report.viewers.len() as u64),
        ("sent bytes", numbers.sent.bytes),
        ("received bytes", numbers.received_bytes),
        ("open streams", numbers.streams as u64),
        ("queued bytes", numbers.queued_bytes as u64),
        ("latched bytes", numbers.latched_bytes as u64),
        ("resyncs", numbers.resyncs),
        ("unread messages", numbers.unread_messages),
        ("connections", report.connections),
    ];
    let mut values = values
        .map(|(key, value)| (key.to_owned(), value.to_string()))
        .to_vec();
    let connection = report.connection.name();
    values.push(("connection".to_owned(), connection.to_owned()));
    status("session", level, message, &values)
}

/// Network path to the server that serves the viewers.
fn path_status(path: Option<&PathStats>) -> Value {
    let Some(path) = path else {
        return status("path", OK, "unknown", &[]);
    };
    let values = [
        ("kind", path.kind.name().to_owned()),
        (
            "round trip",
            format!("{:.1} ms", path.round_trip.as_secs_f64() * 1e3),
        ),
        ("sent bytes", path.sent_bytes.to_string()),
        ("received bytes", path.received_bytes.to_string()),
        ("checks sent", path.checks_sent.to_string()),
        ("checks answered", path.checks_answered.to_string()),
    ];
    let values = values.map(|(key, value)| (key.to_owned(), value));
    status("path", OK, path.kind.name(), &values)
}

fn topics_status(report: &Report) -> Value {
    let mut channels: Vec<&ChannelSnapshot> = report.snapshot.channels.iter().collect();
    channels.sort_by_key(|channel| std::cmp::Reverse(channel.received.bytes));
    let watched = channels.iter().filter(|channel| channel.subscribers > 0);
    let message = format!("{} of {} topics watched", watched.count(), channels.len());
    let values: Vec<(String, String)> = channels
        .into_iter()
        .take(MAX_TOPICS)
        .filter(|channel| channel.subscribers > 0 || channel.received.messages > 0)
        .map(|channel| {
            let numbers = format!(
                "{} viewers, {} messages received, {} sent, {} dropped",
                channel.subscribers,
                channel.received.messages,
                channel.sent.messages,
                channel.drops.total()
            );
            (channel.topic.clone(), numbers)
        })
        .collect();
    status("topics", OK, &message, &values)
}

/// Costs of encoding.
fn encoders_status(report: &Report) -> Value {
    let busiest = |(_, figures): &(&String, &EncoderFigures)| std::cmp::Reverse(figures.cpu);
    let mut encoders: Vec<(&String, &EncoderFigures)> = report.encoders.iter().collect();
    encoders.sort_by_key(busiest);
    let values: Vec<(String, String)> = encoders
        .iter()
        .take(MAX_TOPICS)
        .map(|(topic, figures)| {
            let each = figures.cpu.as_secs_f64() * 1e3 / figures.messages.max(1) as f64;
            let numbers = format!(
                "{} messages encoded, {} skipped, {} failed, {each:.1} ms of CPU each",
                figures.messages, figures.skipped, figures.failed
            );
            let aim = figures.bit_rate;
            let aim = aim.map_or_else(String::new, |rate| format!(", {} kbit/s", rate / 1000));
            ((*topic).clone(), numbers + &aim)
        })
        .collect();
    let message = match encoders.len() {
        1 => "1 topic was encoded".to_owned(),
        count => format!("{count} topics were encoded"),
    };
    status("encoders", OK, &message, &values)
}

/// Diagnosis of topics and services that do not work.
fn problems_status(report: &Report) -> Value {
    let problems = &report.problems;
    let (level, message) = match problems.len() {
        0 => (OK, "none".to_owned()),
        count => (WARN, format!("{count} topics or services do not work")),
    };
    let values: Vec<(String, String)> = problems
        .iter()
        .take(MAX_PROBLEMS)
        .map(|(id, text)| (id.clone(), text.clone()))
        .collect();
    status("problems", level, &message, &values)
}

fn viewer_status(info: &ViewerInfo, numbers: &ParticipantSnapshot) -> Value {
    let (level, message) = if numbers.slow && numbers.acknowledges {
        (WARN, "does not keep up with the others")
    } else {
        (OK, "served")
    };
    let round_trip = numbers.round_trip.map_or_else(
        || "unknown".to_owned(),
        |time| format!("{} ms", time.as_millis()),
    );
    let values = [
        ("watches", numbers.subscriptions.to_string()),
        ("drives", info.drives.join(" ")),
        ("messages sent", numbers.sent.messages.to_string()),
        ("bytes sent", numbers.sent_bytes.to_string()),
        ("messages dropped", numbers.drops.total().to_string()),
        ("round trip", round_trip),
        ("delivery rate", format!("{:.0} B/s", numbers.delivery_rate)),
    ];
    let values = values.map(|(key, value)| (key.to_owned(), value));
    status(&format!("viewer {}", info.name), level, message, &values)
}
