//! Watching the ROS graph.
//!
//! One thread looks at the graph when it has changed, and reads all of it some time after. Both
//! are throttled by their own cost, so that a graph that changes all the time takes a bounded
//! share of a core.

use super::change_feed::{ChangeFeed, Discovered, Offer, Progress};
use super::connection_graph::{self, ConnectionFeed};
use super::schema::SchemaStore;
use super::services::{self, Service};
use super::subscription::Subscriptions;
use super::topic_scan::{Reading, TopicScan};
use super::topics::Topic;
use flume::{Receiver, RecvTimeoutError, Sender};
use rclrs::{Node, Promise, RclrsError};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tracing::{debug, warn};

/// Changes come in bursts (a node with all its topics): how long one is collected at least.
const COLLECT: Duration = Duration::from_millis(20);
/// Longest time for which one is collected.
const COLLECT_MAX: Duration = Duration::from_secs(1);
/// A look is followed by this many times its own duration without one.
const REST: u32 = 9;
/// Shortest time between a change and a full reading: when the burst is over.
const FULL_AFTER: Duration = Duration::from_millis(500);
/// As for a look, of a full reading.
const FULL_REST: u32 = 19;
/// Longest time by which a full reading is put off.
const FULL_REST_MAX: Duration = Duration::from_secs(5);
/// Time between two readings of the graph without a change, in case the middleware failed to tell
/// of one.
const RESCAN: Duration = Duration::from_secs(10);
/// Time until a feed with a full queue is tried again.
const RETRY: Duration = Duration::from_millis(20);
/// Commands that may wait. Signals of change that do not fit are not needed: a look follows.
const COMMANDS: usize = 16;

enum Command {
    Changed,
    Add(Feed),
    Stop,
}

/// Feed of a new receiver.
pub(super) enum Feed {
    Topics(ChangeFeed<Topic>),
    Services(ChangeFeed<Service>),
    Connections(ConnectionFeed),
}

/// The thread that reads the graph.
pub(super) struct GraphThread {
    commands: Sender<Command>,
    thread: Option<JoinHandle<()>>,
    /// Dropping it ends the signals.
    _signals: Promise<()>,
}

impl GraphThread {
    pub(super) fn start(
        node: &Node,
        schemas: Arc<SchemaStore>,
        subscriptions: Arc<Subscriptions>,
    ) -> std::io::Result<Self> {
        let (commands, receiver) = flume::bounded(COMMANDS);
        let mut graph = Graph {
            node: Arc::clone(node),
            topics: TopicScan::new(Arc::clone(node), Arc::clone(&schemas), subscriptions),
            schemas,
            topic_feeds: Vec::new(),
            service_feeds: Vec::new(),
            connection_feeds: Vec::new(),
            services: BTreeMap::new(),
            last_look: Duration::ZERO,
            rested: Instant::now(),
            full_at: None,
        };
        let thread = std::thread::Builder::new()
            .name("ros-graph".into())
            .spawn(move || graph.run(&receiver))?;
        let signal = commands.clone();
        let signals = node.notify_on_graph_change_with_period(RESCAN, move || {
            let _ = signal.try_send(Command::Changed);
            false
        });
        Ok(Self {
            commands,
            thread: Some(thread),
            _signals: signals,
        })
    }

    pub(super) fn add(&self, feed: Feed) {
        // Fails only after the thread has ended; then the feed's receiver is told so.
        let _ = self.commands.send(Command::Add(feed));
    }

    /// Ends the thread and waits for it.
    pub(super) fn stop(&mut self) {
        let _ = self.commands.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            if thread.join().is_err() {
                warn!("the graph thread had panicked");
            }
        }
    }
}

struct Stopped;

struct Graph {
    node: Node,
    schemas: Arc<SchemaStore>,
    topic_feeds: Vec<ChangeFeed<Topic>>,
    service_feeds: Vec<ChangeFeed<Service>>,
    connection_feeds: Vec<ConnectionFeed>,
    /// Findings for all feeds together.
    topics: TopicScan,
    services: BTreeMap<String, Discovered<Service>>,
    /// Duration of the last look.
    last_look: Duration,
    /// When all may be read again.
    rested: Instant,
    /// When all is to be read, if it has changed since it was.
    full_at: Option<Instant>,
}

impl Graph {
    fn run(&mut self, commands: &Receiver<Command>) {
        let mut behind = false;
        loop {
            let retry = behind.then(|| Instant::now() + RETRY);
            let command = match retry.into_iter().chain(self.full_at).min() {
                Some(deadline) => commands.recv_deadline(deadline),
                None => commands.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match command {
                Ok(command) => {
                    if self.collect(command, commands).is_err() {
                        return;
                    }
                    self.scan(Reading::Changed);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            // What was seen is told first: the full reading may take a while.
            behind = self.update_feeds();
            // Not only when there is no command, which may never be.
            if self.full_at.is_some_and(|at| at <= Instant::now()) {
                self.scan(Reading::Full);
                behind = self.update_feeds();
            }
        }
    }

    /// Waits for the rest of a burst.
    fn collect(&mut self, first: Command, commands: &Receiver<Command>) -> Result<(), Stopped> {
        self.accept(first)?;
        let deadline = Instant::now() + (self.last_look * REST).clamp(COLLECT, COLLECT_MAX);
        loop {
            match commands.recv_deadline(deadline) {
                Ok(command) => self.accept(command)?,
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(Stopped),
            }
        }
    }

    fn accept(&mut self, command: Command) -> Result<(), Stopped> {
        match command {
            Command::Changed => Ok(()),
            Command::Add(feed) => {
                match feed {
                    Feed::Topics(feed) => self.topic_feeds.push(feed),
                    Feed::Services(feed) => self.service_feeds.push(feed),
                    Feed::Connections(feed) => self.connection_feeds.push(feed),
                }
                Ok(())
            }
            Command::Stop => Err(Stopped),
        }
    }

    /// True if a feed could not be told everything.
    fn update_feeds(&mut self) -> bool {
        let behind = update(&mut self.topic_feeds, self.topics.known());
        update(&mut self.service_feeds, &self.services) || behind
    }

    fn scan(&mut self, reading: Reading) {
        let started = Instant::now();
        if let Err(problem) = self.read(reading) {
            // What was known stays until the graph can be read again.
            warn!(error = %problem, "cannot read the ROS graph");
        }
        let took = started.elapsed();
        debug!(?reading, ?took, "read the graph");
        match reading {
            Reading::Changed => {
                self.last_look = took;
                let earliest = Instant::now() + FULL_AFTER;
                self.full_at.get_or_insert(self.rested.max(earliest));
            }
            Reading::Full => {
                let rest = (took * FULL_REST).clamp(COLLECT, FULL_REST_MAX);
                self.rested = Instant::now() + rest;
                self.full_at = None;
            }
        }
    }

    fn read(&mut self, reading: Reading) -> Result<(), RclrsError> {
        let feeds = &self.topic_feeds;
        self.topics
            .read(reading, |name| feeds.iter().any(|feed| feed.wants(name)))?;
        // The rest is read whole each time: it takes one question for each node.
        if reading == Reading::Full {
            return Ok(());
        }
        if !self.service_feeds.is_empty() {
            let wanted = |name: &str| self.service_feeds.iter().any(|feed| feed.wants(name));
            self.services = services::discover(&self.node, &self.schemas, wanted)?;
        }
        self.connection_feeds.retain(|feed| !feed.is_gone());
        if !self.connection_feeds.is_empty() {
            let connections = connection_graph::discover(&self.node)?;
            for feed in &mut self.connection_feeds {
                feed.update(&connections);
            }
        }
        Ok(())
    }
}

/// Brings all feeds up to date, and forgets those nobody listens to. True if one is behind.
fn update<O: Offer>(
    feeds: &mut Vec<ChangeFeed<O>>,
    known: &BTreeMap<String, Discovered<O>>,
) -> bool {
    let mut behind = false;
    feeds.retain_mut(|feed| {
        let progress = feed.update(known);
        behind |= progress == Progress::Behind;
        progress != Progress::Gone
    });
    behind
}
