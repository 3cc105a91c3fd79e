//! The metrics as text.
//!
//! Names follow Prometheus: base units, counters that end in `_total`. What has labels is bounded:
//! so many topics and so many viewers, those that came first, so that the same ones are told of
//! each time.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::Registry;

use super::families::Families;
use super::process::ProcessFigures;
use crate::driver::{ConnectionState, EncoderFigures, PathStats, Report};
use remote_access_session::{ChannelSnapshot, Drops, ParticipantSnapshot, Snapshot};

/// Topics that are told of one by one; all that were never watched are left out.
const MAX_TOPICS: usize = 500;
/// Viewers that are told of one by one.
const MAX_VIEWERS: usize = 100;
/// Before each name, but those of the process, which are the same everywhere.
const PREFIX: &str = "remote_access_bridge";

const NO_LABELS: [(&str, &str); 0] = [];

/// The report in OpenMetrics text format.
pub(super) fn encode(report: Report) -> String {
    let mut bridge = Registry::with_prefix(PREFIX);
    bridge.register_collector(Box::new(Bridge(report)));
    let mut process = Registry::default();
    if let Some(figures) = ProcessFigures::read() {
        process.register_collector(Box::new(Process(figures)));
    }
    let mut text = String::new();
    // A string takes everything.
    let _ = encode_registry(&mut text, &bridge)
        .and_then(|()| encode_registry(&mut text, &process))
        .and_then(|()| encode_eof(&mut text));
    text
}

#[derive(Debug)]
struct Bridge(Report);

impl Collector for Bridge {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let mut families = Families(encoder);
        self.connection(&mut families)?;
        session(&mut families, &self.0.snapshot)?;
        self.topics(&mut families)?;
        self.encoders(&mut families)?;
        self.viewers(&mut families)
    }
}

impl Bridge {
    fn connection(&self, to: &mut Families) -> fmt::Result {
        let Report {
            connection,
            connections,
            path,
            problems,
            ..
        } = &self.0;
        let up = f64::from(*connection == ConnectionState::Up);
        to.gauge("connected", "1 while the node is in its room.", up)?;
        to.counter(
            "connections",
            "Times that the node joined its room.",
            *connections,
        )?;
        let path = path.as_ref();
        let kind = path.map(|path| ([("kind", path.kind.name())], 1.0));
        to.gauges("path", "1 for the kind of the path to the server.", kind)?;
        let round_trip = path.map(|path| path.round_trip.as_secs_f64());
        to.gauges(
            "path_round_trip_seconds",
            "Latest round trip to the server.",
            round_trip.map(|seconds| (NO_LABELS, seconds)),
        )?;
        let counter = |value: fn(&PathStats) -> u64| path.map(|path| (NO_LABELS, value(path)));
        to.counters(
            "path_sent_bytes",
            "Bytes sent on the present path, with all overhead above UDP or TCP.",
            counter(|path| path.sent_bytes),
        )?;
        to.counters(
            "path_received_bytes",
            "Bytes received on it.",
            counter(|path| path.received_bytes),
        )?;
        to.counters(
            "path_checks_sent",
            "Connectivity checks that were sent on it.",
            counter(|path| path.checks_sent),
        )?;
        to.counters(
            "path_checks_answered",
            "Those of them that were answered; the others are lost or on their way.",
            counter(|path| path.checks_answered),
        )?;
        to.gauge(
            "problems",
            "Topics and services that viewers are told do not work.",
            problems.len() as f64,
        )
    }

    fn topics(&self, to: &mut Families) -> fmt::Result {
        let all = &self.0.snapshot.channels;
        let known = |topic: &&ChannelSnapshot| topic.subscribers > 0 || topic.received.messages > 0;
        let watched = all.iter().filter(|topic| topic.subscribers > 0).count();
        let unlisted = all.iter().filter(known).count().saturating_sub(MAX_TOPICS);
        to.gauge("topics", "Topics that are offered.", all.len() as f64)?;
        to.gauge(
            "topics_watched",
            "Topics that somebody watches.",
            watched as f64,
        )?;
        to.gauge(
            "topics_unlisted",
            "Topics that were watched and are over the number of those listed.",
            unlisted as f64,
        )?;
        let topics: Vec<&ChannelSnapshot> = all.iter().filter(known).take(MAX_TOPICS).collect();
        let rows = |value: fn(&ChannelSnapshot) -> u64| {
            let row =
                move |topic: &&ChannelSnapshot| ([("topic", topic.topic.clone())], value(topic));
            topics.iter().map(row).collect::<Vec<_>>()
        };
        let viewers = rows(|topic| topic.subscribers as u64);
        let viewers = viewers
            .into_iter()
            .map(|(labels, count)| (labels, count as f64));
        to.gauges("topic_viewers", "Viewers of a topic.", viewers)?;
        to.counters(
            "topic_received_messages",
            "Messages that the robot published on a topic while somebody watched.",
            rows(|topic| topic.received.messages),
        )?;
        to.counters(
            "topic_received_bytes",
            "Their bytes.",
            rows(|topic| topic.received.bytes),
        )?;
        to.counters(
            "topic_sent_messages",
            "Messages of a topic on the uplink; one for several viewers at once counts once.",
            rows(|topic| topic.sent.messages),
        )?;
        to.counters(
            "topic_sent_bytes",
            "Their bytes.",
            rows(|topic| topic.sent.bytes),
        )?;
        let drops = topics
            .iter()
            .flat_map(|topic| by_reason("topic", &topic.topic, &topic.drops));
        to.counters(
            "topic_dropped_messages",
            "Messages of a topic that a viewer missed; one that several missed counts for each.",
            drops,
        )
    }

    fn encoders(&self, to: &mut Families) -> fmt::Result {
        let encoders: Vec<(&String, &EncoderFigures)> =
            self.0.encoders.iter().take(MAX_TOPICS).collect();
        let rows = |value: fn(&EncoderFigures) -> u64| {
            let row = move |(topic, figures): &(&String, &EncoderFigures)| {
                ([("topic", (*topic).clone())], value(figures))
            };
            encoders.iter().map(row).collect::<Vec<_>>()
        };
        let label = |topic: &String| [("topic", topic.clone())];
        to.seconds(
            "encoder_cpu_seconds",
            "Processor time that encoding for a topic took.",
            encoders
                .iter()
                .map(|(topic, figures)| (label(topic), figures.cpu)),
        )?;
        to.counters(
            "encoder_messages",
            "Messages that were encoded for a topic.",
            rows(|figures| figures.messages),
        )?;
        to.counters(
            "encoder_bytes",
            "Their bytes.",
            rows(|figures| figures.bytes),
        )?;
        to.counters(
            "encoder_skipped_messages",
            "Messages that newer ones overtook while the encoder was busy.",
            rows(|figures| figures.skipped),
        )?;
        to.counters(
            "encoder_failed_messages",
            "Messages that could not be encoded.",
            rows(|figures| figures.failed),
        )?;
        let aims = encoders
            .iter()
            .filter_map(|(topic, figures)| Some((label(topic), f64::from(figures.bit_rate?))));
        to.gauges(
            "encoder_bits_per_second",
            "Bits per second that a video is to have.",
            aims,
        )
    }

    fn viewers(&self, to: &mut Families) -> fmt::Result {
        let infos = &self.0.viewers;
        let numbers = &self.0.snapshot.participants;
        to.gauge("viewers", "Viewers in the room.", infos.len() as f64)?;
        let unlisted = infos.len().saturating_sub(MAX_VIEWERS);
        to.gauge(
            "viewers_unlisted",
            "Viewers that are over the number of those listed.",
            unlisted as f64,
        )?;
        let viewers: Vec<(&str, &ParticipantSnapshot)> = infos
            .iter()
            .map(|info| info.name.as_str())
            .zip(numbers)
            .take(MAX_VIEWERS)
            .collect();
        let counts = |value: fn(&ParticipantSnapshot) -> u64| {
            let row = move |(name, numbers): &(&str, &ParticipantSnapshot)| {
                ([("viewer", (*name).to_owned())], value(numbers))
            };
            viewers.iter().map(row).collect::<Vec<_>>()
        };
        let levels = |value: fn(&ParticipantSnapshot) -> Option<f64>| {
            let row = move |(name, numbers): &(&str, &ParticipantSnapshot)| {
                Some(([("viewer", (*name).to_owned())], value(numbers)?))
            };
            viewers.iter().filter_map(row).collect::<Vec<_>>()
        };
        to.gauges(
            "viewer_watched_topics",
            "Topics that a viewer watches.",
            levels(|viewer| Some(viewer.subscriptions as f64)),
        )?;
        to.gauges(
            "viewer_slow",
            "1 for a viewer that does not keep up with the others.",
            levels(|viewer| Some(f64::from(viewer.slow))),
        )?;
        to.counters(
            "viewer_sent_messages",
            "Messages that were sent to a viewer.",
            counts(|viewer| viewer.sent.messages),
        )?;
        to.counters(
            "viewer_sent_bytes",
            "Bytes that were sent to a viewer, control messages included.",
            counts(|viewer| viewer.sent_bytes),
        )?;
        to.counters(
            "viewer_received_bytes",
            "Bytes that came from a viewer.",
            counts(|viewer| viewer.received_bytes),
        )?;
        let drops = viewers
            .iter()
            .flat_map(|(name, numbers)| by_reason("viewer", name, &numbers.drops));
        to.counters(
            "viewer_dropped_messages",
            "Messages that a viewer missed.",
            drops,
        )?;
        to.gauges(
            "viewer_queued_bytes",
            "Bytes of messages that wait for a viewer.",
            levels(|viewer| Some(viewer.queued.bytes as f64)),
        )?;
        to.gauges(
            "viewer_queued_control_bytes",
            "Bytes of control messages that wait for a viewer.",
            levels(|viewer| Some(viewer.queued_control_bytes as f64)),
        )?;
        to.gauges(
            "viewer_in_flight_bytes",
            "Bytes on the way to a viewer, as far as it has not acknowledged them.",
            levels(|viewer| Some(viewer.in_flight_bytes as f64)),
        )?;
        to.gauges(
            "viewer_round_trip_seconds",
            "Time until a viewer acknowledges; none for one that does not.",
            levels(|viewer| viewer.round_trip.map(|time| time.as_secs_f64())),
        )?;
        to.gauges(
            "viewer_delivery_bytes_per_second",
            "Bytes per second that reach a viewer.",
            levels(|viewer| Some(viewer.delivery_rate)),
        )
    }
}

fn session(to: &mut Families, numbers: &Snapshot) -> fmt::Result {
    to.counter("uplink_bytes", "Bytes that were sent.", numbers.sent.bytes)?;
    to.counter(
        "uplink_writes",
        "Writes to the transport.",
        numbers.sent.messages,
    )?;
    to.counter(
        "received_bytes",
        "Bytes that came from viewers.",
        numbers.received_bytes,
    )?;
    to.gauge(
        "streams",
        "Open streams to viewers.",
        numbers.streams as f64,
    )?;
    to.counter(
        "streams_opened",
        "Streams that were opened to viewers.",
        numbers.streams_opened,
    )?;
    to.counter(
        "resyncs",
        "Resyncs of viewers: new streams, on which everything is sent again.",
        numbers.resyncs,
    )?;
    to.counter(
        "inbound_errors",
        "Streams from viewers that were ended for what they brought.",
        numbers.inbound_errors,
    )?;
    to.counter(
        "refused_subscriptions",
        "Subscriptions that were refused since there were too many.",
        numbers.refused_subscriptions,
    )?;
    to.counter(
        "unread_messages",
        "Messages of the robot that came faster than they could be taken.",
        numbers.unread_messages,
    )?;
    to.gauge(
        "queued_bytes",
        "Bytes of messages that wait; one that waits for several viewers counts once.",
        numbers.queued_bytes as f64,
    )?;
    to.gauge(
        "latched_bytes",
        "Bytes of latched messages kept for later viewers.",
        numbers.latched_bytes as f64,
    )
}

/// The labels and numbers of drops.
fn by_reason<'d>(
    key: &'static str,
    name: &'d str,
    drops: &'d Drops,
) -> impl Iterator<Item = ([(&'static str, &'d str); 2], u64)> {
    let counts = [
        ("overtaken", drops.overtaken),
        ("too_old", drops.too_old),
        ("no_memory", drops.no_memory),
        ("rate_limit", drops.rate_limit),
        ("too_large", drops.too_large),
        ("restart", drops.resync),
    ];
    counts
        .into_iter()
        .map(move |(reason, count)| ([(key, name), ("reason", reason)], count))
}

#[derive(Debug)]
struct Process(ProcessFigures);

impl Collector for Process {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let figures = &self.0;
        let mut families = Families(encoder);
        let seconds = ConstCounter::new(figures.cpu_seconds);
        families.one("process_cpu_seconds", "Processor time.", &seconds)?;
        families.gauge(
            "process_resident_memory_bytes",
            "Memory in use.",
            figures.resident_bytes as f64,
        )?;
        families.gauge("process_threads", "Threads.", figures.threads as f64)?;
        families.gauge("process_open_fds", "Open files.", figures.open_files as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use remote_access_session::ViewerInfo;

    fn report(topics: usize, viewers: usize) -> Report {
        let mut session = remote_access_session::Session::new(
            remote_access_session::SessionConfig::default(),
            remote_access_session::RobotInfo::default(),
            std::time::Instant::now(),
            0,
        );
        let now = std::time::Instant::now();
        for number in 0..viewers as u64 {
            let rights = remote_access_session::Rights::all();
            session.participant_joined(now, remote_access_session::ParticipantId(number), rights);
        }
        let mut snapshot = session.snapshot();
        snapshot.channels = (0..topics)
            .map(|number| ChannelSnapshot {
                id: remote_access_protocol::ChannelId(number as u64),
                topic: format!("/t{number}"),
                subscribers: 1,
                lanes: 0,
                received: remote_access_session::Traffic::default(),
                sent: remote_access_session::Traffic::default(),
                drops: Drops::default(),
                latched_bytes: 0,
            })
            .collect();
        let viewer = |number| ViewerInfo {
            name: format!("v{number}"),
            ..ViewerInfo::default()
        };
        Report {
            viewers: (0..viewers).map(viewer).collect(),
            snapshot,
            ..Report::default()
        }
    }

    fn lines<'t>(text: &'t str, start: &str) -> Vec<&'t str> {
        text.lines()
            .filter(|line| line.starts_with(start))
            .collect()
    }

    #[test]
    fn topics_and_viewers_that_have_labels_are_bounded() {
        let text = encode(report(MAX_TOPICS + 7, MAX_VIEWERS + 3));
        let sent = lines(&text, "remote_access_bridge_topic_sent_bytes_total{");
        assert_eq!(sent.len(), MAX_TOPICS);
        let sent = lines(&text, "remote_access_bridge_viewer_sent_bytes_total{");
        assert_eq!(sent.len(), MAX_VIEWERS);
        for (name, value) in [
            ("topics", 507),
            ("topics_unlisted", 7),
            ("viewers_unlisted", 3),
        ] {
            let line = format!("remote_access_bridge_{name} {value}.0");
            assert_eq!(lines(&text, &line).len(), 1, "{line}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn names_are_escaped() {
        let mut report = report(0, 1);
        report.viewers[0].name = "a\"b\\c\nd".to_owned();
        let text = encode(report);
        let line = r#"remote_access_bridge_viewer_watched_topics{viewer="a\"b\\c\nd"} 0.0"#;
        assert_eq!(lines(&text, line).len(), 1, "{text}");
    }
}
