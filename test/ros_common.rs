//! Common parts of the tests of the ROS side: a node under test and rclpy peers.

// Each test crate uses its own part of it.
#![allow(dead_code)]

use flume::{Receiver, RecvTimeoutError};
use remote_access_bridge::ros::{Patterns, Ros, Topic, TopicEvent, TopicFilter};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Once;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Hang guard of every wait. A busy machine may need a good part of it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Long enough for a wrong event to show up: discovery on loopback takes far less.
pub(crate) const QUIET: Duration = Duration::from_secs(2);

/// Gives this process a domain of its own, on loopback.
fn isolate() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let domain = 1 + std::process::id() % 100;
        std::env::set_var("ROS_DOMAIN_ID", domain.to_string());
        std::env::set_var("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST");
    });
}

/// A prefix for topic names that no other test of this process uses.
pub(crate) fn unique(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!(
        "{name}_{}_{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// The node under test with its runtime.
pub(crate) struct Node {
    pub ros: Ros,
    pub runtime: Runtime,
}

impl Node {
    pub(crate) fn start() -> Self {
        Self::with_args(&[])
    }

    /// Starts a node of a unique name, with these ROS arguments.
    pub(crate) fn with_args(args: &[&str]) -> Self {
        isolate();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("runtime");
        let name = format!("__node:={}", unique("bridge"));
        let own = ["test", "--ros-args", "-r", &name];
        let args = own.iter().chain(args).map(ToString::to_string);
        let ros = Ros::start(args, runtime.handle().clone()).expect("a ROS environment");
        Self { ros, runtime }
    }

    /// Watches the topics whose whole name matches.
    pub(crate) fn watch(&self, pattern: &str) -> Topics {
        Topics {
            events: self.ros.watch_topics(filter(pattern)),
            problems: Vec::new(),
        }
    }
}

pub(crate) fn filter(pattern: &str) -> TopicFilter {
    TopicFilter {
        allow: Patterns::new([pattern]).expect("a pattern"),
        deny: Patterns::default(),
        include_hidden: false,
    }
}

/// The events of a watch.
pub(crate) struct Topics {
    pub events: Receiver<TopicEvent>,
    /// Problems met while waiting for something else.
    pub problems: Vec<(String, String)>,
}

impl Topics {
    pub(crate) fn next(&mut self) -> TopicEvent {
        self.events.recv_timeout(PATIENCE).expect("an event")
    }

    /// The next topic that is added.
    pub(crate) fn added(&mut self) -> Topic {
        loop {
            match self.next() {
                TopicEvent::Added(topic) => return topic,
                TopicEvent::Problem { topic, reason } => {
                    self.problems.push((topic, reason.to_string()));
                }
                other => panic!("expected a new topic, got {other:?}"),
            }
        }
    }

    /// Whether nothing is told for a while.
    pub(crate) fn is_quiet_for(&mut self, time: Duration) -> bool {
        self.events.recv_timeout(time) == Err(RecvTimeoutError::Timeout)
    }
}

/// An rclpy node in a process of its own.
pub(crate) struct Peer {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Peer {
    pub(crate) fn start() -> Self {
        isolate();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("test/support/ros_peer.py");
        let mut process = Command::new("python3")
            .arg(script)
            .arg(unique("peer"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3");
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().expect("piped"));
        Self {
            process,
            input,
            output,
        }
    }

    /// Runs Python code in the peer and returns its `result`.
    pub(crate) fn run(&mut self, code: &str) -> serde_json::Value {
        let input = self.input.as_mut().expect("open");
        let line = serde_json::to_string(code).expect("a string");
        writeln!(input, "{line}")
            .and_then(|()| input.flush())
            .expect("the peer lives");
        let mut answer = String::new();
        self.output.read_line(&mut answer).expect("the peer lives");
        let mut answer: serde_json::Value = serde_json::from_str(&answer).expect("an answer");
        assert_eq!(
            answer.get("error"),
            None,
            "the peer failed at:\n{code}\n{answer:#}"
        );
        answer["ok"].take()
    }

    /// The number of subscriptions that the peer's graph shows on a topic.
    pub(crate) fn subscriptions(&mut self, topic: &str) -> u64 {
        self.run(&format!(
            "result = len(node.get_subscriptions_info_by_topic('{topic}'))"
        ))
        .as_u64()
        .expect("a number")
    }

    /// Ends the process without a goodbye.
    pub(crate) fn kill(mut self) {
        self.process.kill().expect("a process");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The end of its input ends it.
        self.input = None;
        let _ = self.process.wait();
    }
}

/// Waits until something holds.
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
