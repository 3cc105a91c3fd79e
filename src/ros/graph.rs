//! Watching the ROS graph.
//!
//! One thread scans the graph when it has changed. A scan is throttled by its own
//! cost, so that a graph that changes all the time takes a bounded share of a core.

use super::connections::{self, ConnectionWatcher};
use super::schema::SchemaStore;
use super::services::{self, Service};
use super::subscription::Subscriptions;
use super::topics::Topic;
use super::watch::{Discovered, Offer, Progress, Watcher};
use flume::{Receiver, RecvTimeoutError, Sender};
use rclrs::{Node, Promise, QoSProfile, RclrsError};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tracing::warn;

/// Changes come in bursts (a node with all its topics): how long one is collected at least.
const COLLECT: Duration = Duration::from_millis(20);
/// How long one is collected at most.
const COLLECT_MAX: Duration = Duration::from_secs(1);
/// A scan is followed by this many times its own duration without one.
const REST: u32 = 9;
/// How often the graph is scanned without a change, in case the middleware missed to tell one.
const RESCAN: Duration = Duration::from_secs(10);
/// When a watcher with a full queue is tried again.
const RETRY: Duration = Duration::from_millis(20);
/// Commands that may wait. Signals of change that do not fit are not needed: a scan follows.
const COMMANDS: usize = 16;

enum Command {
    Changed,
    Watch(Watch),
    Stop,
}

/// Who is to be told what.
pub(super) enum Watch {
    Topics(Watcher<Topic>),
    Services(Watcher<Service>),
    Connections(ConnectionWatcher),
}

/// The thread that scans the graph.
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
            schemas,
            subscriptions,
            topic_watchers: Vec::new(),
            service_watchers: Vec::new(),
            connection_watchers: Vec::new(),
            topics: BTreeMap::new(),
            services: BTreeMap::new(),
            last_scan: Duration::ZERO,
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

    pub(super) fn watch(&self, watch: Watch) {
        // Fails only after the thread has ended; then the watcher's receiver is told so.
        let _ = self.commands.send(Command::Watch(watch));
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
    subscriptions: Arc<Subscriptions>,
    topic_watchers: Vec<Watcher<Topic>>,
    service_watchers: Vec<Watcher<Service>>,
    connection_watchers: Vec<ConnectionWatcher>,
    /// What the last scan found, for all watchers together.
    topics: BTreeMap<String, Discovered<Topic>>,
    services: BTreeMap<String, Discovered<Service>>,
    last_scan: Duration,
}

impl Graph {
    fn run(&mut self, commands: &Receiver<Command>) {
        let mut behind = false;
        loop {
            let command = if behind {
                commands.recv_timeout(RETRY)
            } else {
                commands.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match command {
                Ok(command) => {
                    if self.collect(command, commands).is_err() {
                        return;
                    }
                    self.scan();
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            behind = self.update_watchers();
        }
    }

    /// Waits for the rest of a burst.
    fn collect(&mut self, first: Command, commands: &Receiver<Command>) -> Result<(), Stopped> {
        self.accept(first)?;
        let deadline = Instant::now() + (self.last_scan * REST).clamp(COLLECT, COLLECT_MAX);
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
            Command::Watch(watch) => {
                match watch {
                    Watch::Topics(watcher) => self.topic_watchers.push(watcher),
                    Watch::Services(watcher) => self.service_watchers.push(watcher),
                    Watch::Connections(watcher) => self.connection_watchers.push(watcher),
                }
                Ok(())
            }
            Command::Stop => Err(Stopped),
        }
    }

    /// True if a watcher could not be told everything.
    fn update_watchers(&mut self) -> bool {
        let behind = update(&mut self.topic_watchers, &self.topics);
        update(&mut self.service_watchers, &self.services) || behind
    }

    fn scan(&mut self) {
        let started = Instant::now();
        if let Err(problem) = self.read() {
            // What was known stays until the graph can be read again.
            warn!("cannot read the ROS graph: {problem}");
        }
        self.last_scan = started.elapsed();
    }

    fn read(&mut self) -> Result<(), RclrsError> {
        self.topics = self.discover()?;
        if !self.service_watchers.is_empty() {
            let wanted = |name: &str| self.service_watchers.iter().any(|w| w.wants(name));
            self.services = services::discover(&self.node, &self.schemas, wanted)?;
        }
        self.connection_watchers
            .retain(|watcher| !watcher.is_gone());
        if !self.connection_watchers.is_empty() {
            let connections = connections::discover(&self.node)?;
            for watcher in &mut self.connection_watchers {
                watcher.update(&connections);
            }
        }
        Ok(())
    }

    fn discover(&self) -> Result<BTreeMap<String, Discovered<Topic>>, RclrsError> {
        let subscribed: BTreeSet<String> = self.subscriptions.topics().into_iter().collect();
        let mut found = BTreeMap::new();
        let names: HashMap<String, Vec<String>> = self.node.get_topic_names_and_types()?;
        for name in names.into_keys() {
            let watched = self.topic_watchers.iter().any(|w| w.wants(&name));
            let subscribed = subscribed.contains(&name);
            if !watched && !subscribed {
                continue;
            }
            let endpoints = match self.node.get_publishers_info_by_topic(&name) {
                Ok(endpoints) => endpoints,
                // One topic's trouble is not the others'.
                Err(problem) => {
                    found.insert(name, Err(problem.to_string()));
                    continue;
                }
            };
            let (types, publishers): (BTreeSet<_>, Vec<_>) = endpoints
                .into_iter()
                .map(|endpoint| (endpoint.topic_type, endpoint.qos_profile))
                .unzip();
            if subscribed {
                self.subscriptions.publishers_changed(&name, &publishers);
            }
            // A topic that is only subscribed to, by us or others, has nothing to show.
            if watched && !publishers.is_empty() {
                let discovered = self.topic(&name, &types, &publishers);
                found.insert(name, discovered);
            }
        }
        Ok(found)
    }

    fn topic(
        &self,
        name: &str,
        types: &BTreeSet<String>,
        publishers: &[QoSProfile],
    ) -> Discovered<Topic> {
        let types: Vec<_> = types.iter().map(String::as_str).collect();
        let [type_name] = types[..] else {
            return Err(format!(
                "its publishers use different types: {}",
                types.join(", ")
            ));
        };
        let schema = self
            .schemas
            .get(type_name)
            .map_err(|problem| problem.to_string())?;
        Ok(Topic {
            name: name.to_owned(),
            type_name: type_name.to_owned(),
            schema,
            qos: self.subscriptions.resolve(name, publishers),
        })
    }
}

/// Tells all watchers, and forgets those nobody listens to. True if one is behind.
fn update<O: Offer>(
    watchers: &mut Vec<Watcher<O>>,
    known: &BTreeMap<String, Discovered<O>>,
) -> bool {
    let mut behind = false;
    watchers.retain_mut(|watcher| {
        let progress = watcher.update(known);
        behind |= progress == Progress::Behind;
        progress != Progress::Gone
    });
    behind
}
