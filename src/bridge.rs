//! Wires the ROS side to the driver: topics become channels, demand becomes subscriptions, and
//! what viewers ask for is done.

mod answers;
mod assets;
mod audit_topic;
mod burst;
mod calls;
mod connection_message;
mod diagnostics;
mod encoded;
mod parameter_value;
mod parameters;
mod publishing;
mod request_handler;
mod retries;
mod robot_config;
mod topic_rates;
mod unresponsive;
mod watching;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use flume::{Receiver, Selector};
use remote_access_protocol::server::{message_data_header, Channel, StatusLevel};
use remote_access_protocol::{ChannelId, LATCHED_METADATA};
use tokio::runtime::Handle;
use tracing::{debug, info, warn};

pub use audit_topic::AuditTopic;
pub use robot_config::{CallTimeouts, RobotConfig};
pub use topic_rates::{LiveRates, RateError, Rates, TopicRates};

use crate::driver::{Answer, Command, DriverHandle, Message};
use crate::media::{Encoding, EncodingError, Siblings, VideoFrames};
use crate::ros::{RawMessage, Ros, RosError, Subscription, Topic, TopicEvent};
use answers::Answers;
use assets::Assets;
use burst::burst;
use calls::Calls;
use diagnostics::Diagnostics;
use parameters::Parameters;
use publishing::Publishing;
use remote_access_session::{ChannelInfo, Delivery, PublisherId, Subject, VideoFrame};
use request_handler::RequestHandler;
use retries::Retries;
use watching::Watching;

/// Runs on three threads of its own until dropped, which is to be after the driver has ended.
pub struct Bridge {
    stop: Option<flume::Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl Bridge {
    /// Starts to bridge the robot to the driver. `changed` gets a word when the demand changes;
    /// `runtime` runs what viewers ask for and may take time.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn start(
        ros: Arc<Ros>,
        driver: DriverHandle,
        changed: Receiver<()>,
        config: RobotConfig,
        runtime: Handle,
    ) -> std::io::Result<Self> {
        info!(
            distribution = std::env::var("ROS_DISTRO").unwrap_or_default(),
            middleware = ros.middleware(),
            domain = ros.node().domain_id(),
            "bridging topics"
        );
        let (stop, stopped) = flume::bounded(0);
        let topics = ros.watch_topics(config.topics.clone());
        let requests = driver.requests.clone();
        let services = ros.watch_services(config.services.clone());
        let rates = config.rates.clone();
        let siblings = Siblings::new(config.cameras.clone());
        let handler = request_handler(Arc::clone(&ros), &driver, config, runtime)?;
        let worker = Worker {
            ros,
            driver,
            rates,
            channels: HashMap::new(),
            topics: HashMap::new(),
            siblings,
            subscriptions: BTreeMap::new(),
            retries: Retries::default(),
            next_id: 1,
        };
        let thread = std::thread::Builder::new()
            .name("bridge".into())
            .spawn(move || worker.run(&topics, &changed, &stopped))?;
        let mut bridge = Self {
            stop: Some(stop),
            threads: vec![thread],
        };
        let thread = std::thread::Builder::new()
            .name("bridge-requests".into())
            .spawn(move || handler.run(&requests, &services))?;
        bridge.threads.push(thread);
        Ok(bridge)
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.stop = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn request_handler(
    ros: Arc<Ros>,
    driver: &DriverHandle,
    config: RobotConfig,
    runtime: Handle,
) -> std::io::Result<RequestHandler> {
    let answers = Answers::new(driver.commands.clone());
    let client = ros.parameter_client(config.parameters, config.parameter_timeout);
    let watching = Watching::new(
        Arc::clone(&ros),
        answers.clone(),
        config.topics,
        config.services,
        &runtime,
    );
    let diagnostics = config
        .diagnostics
        .then(|| Diagnostics::start(Arc::clone(&ros), driver.reports(), &runtime));
    let stops = driver.stops.clone();
    Ok(RequestHandler {
        _diagnostics: diagnostics,
        publishing: Publishing::start(Arc::clone(&ros), answers.clone(), stops)?,
        calls: Calls::new(Arc::clone(&ros), answers.clone(), config.call_timeouts),
        parameters: Parameters::new(client, answers.clone()),
        assets: Assets::new(ros, config.assets, answers.clone()),
        watching,
        tasks: HashMap::new(),
        answers,
        runtime,
    })
}

struct Worker {
    ros: Arc<Ros>,
    driver: DriverHandle,
    rates: LiveRates,
    channels: HashMap<ChannelId, Topic>,
    /// Channel ids by topic name.
    topics: HashMap<String, ChannelId>,
    /// The channels of topics of images, encoded.
    siblings: Siblings,
    /// Sources of the channels, each with the start of the demand that it serves.
    subscriptions: BTreeMap<ChannelId, (u64, Served)>,
    /// The channels that are wanted and cannot be served.
    retries: Retries,
    next_id: u64,
}

/// Source of a channel that is wanted, until it is dropped.
enum Served {
    /// The messages of the topic as they are.
    Topic(#[allow(dead_code, reason = "held until it is dropped")] Subscription),
    /// Those of its frames, encoded.
    Encoded(Encoding),
}

/// Why a channel cannot be served.
#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error(transparent)]
    Ros(#[from] RosError),
    #[error(transparent)]
    Encoding(#[from] EncodingError),
}

enum Wake {
    Topic(TopicEvent),
    Demand,
    Rates,
    Stop,
}

impl Worker {
    fn run(mut self, topics: &Receiver<TopicEvent>, changed: &Receiver<()>, stop: &Receiver<()>) {
        let rates = self.rates.changes().clone();
        loop {
            let selector = Selector::new()
                .recv(stop, |_| Wake::Stop)
                .recv(topics, |event| event.map_or(Wake::Stop, Wake::Topic))
                .recv(changed, |word| word.map_or(Wake::Stop, |()| Wake::Demand))
                .recv(&rates, |word| word.map_or(Wake::Stop, |()| Wake::Rates));
            let wake = match self.retries.next() {
                // A channel that failed is wanted as before.
                Some(at) => selector.wait_deadline(at).unwrap_or(Wake::Demand),
                None => selector.wait(),
            };
            match wake {
                Wake::Stop => return,
                Wake::Topic(event) => self.topic_events(event, topics),
                Wake::Demand => self.serve_demand(),
                Wake::Rates => self.tell_rates(),
            }
        }
    }

    /// Handles an event and those that wait behind it; topics that appear together are advertised
    /// together.
    fn topic_events(&mut self, first: TopicEvent, more: &Receiver<TopicEvent>) {
        let mut added = Vec::new();
        let mut gone = 0;
        let mut changed = Vec::new();
        for event in burst(first, more) {
            changed.extend(changed_topic(&event));
            match event {
                TopicEvent::Added(topic) => added.push(self.add(topic)),
                other => {
                    self.advertise(std::mem::take(&mut added));
                    gone += usize::from(matches!(other, TopicEvent::Removed { .. }));
                    self.topic_event(other);
                }
            }
        }
        added.extend(self.update_siblings(&changed));
        self.advertise(added);
        if gone > 0 {
            info!(count = gone, "topics have gone");
        }
    }

    fn topic_event(&mut self, event: TopicEvent) {
        match event {
            TopicEvent::QosChanged(topic) => self.update(topic),
            TopicEvent::Removed { name, .. } => self.remove(&name),
            TopicEvent::Problem { topic, reason } => {
                warn!(topic, %reason, "the topic is not bridged");
                let text = format!("{topic} cannot be offered: {reason}");
                self.problem(topic, Some((StatusLevel::Warning, text)));
            }
            TopicEvent::Solved { topic } => self.problem(topic, None),
            TopicEvent::Added(_) => {}
        }
    }

    fn add(&mut self, topic: Topic) -> ChannelInfo {
        let id = new_channel(&mut self.next_id);
        let info = channel_info(id, &topic, &self.rates);
        self.topics.insert(topic.name.clone(), id);
        self.channels.insert(id, topic);
        info
    }

    fn advertise(&self, channels: Vec<ChannelInfo>) {
        if channels.is_empty() {
            return;
        }
        info!(count = channels.len(), "advertising topics");
        self.command(Command::Add(channels));
    }

    fn update(&mut self, topic: Topic) {
        let Some(&channel) = self.topics.get(&topic.name) else {
            return;
        };
        let delivery = delivery(&topic);
        self.command(Command::Update { channel, delivery });
        self.channels.insert(channel, topic);
    }

    fn remove(&mut self, name: &str) {
        let Some(id) = self.topics.remove(name) else {
            return;
        };
        debug!(topic = name, "the topic has gone");
        self.solved(id);
        self.channels.remove(&id);
        self.subscriptions.remove(&id);
        self.command(Command::Remove(vec![id]));
    }

    /// The rate limits of topics have changed.
    fn tell_rates(&self) {
        let channels = self.channels.iter();
        let limits = channels.map(|(&id, topic)| (id, self.rates.of(&topic.name)));
        self.command(Command::RateLimits(limits.collect()));
    }

    /// Tells viewers about a topic that cannot be offered, or that its problem is over.
    fn problem(&self, topic: String, problem: Option<(StatusLevel, String)>) {
        let about = Subject::Topic(topic);
        self.command(Command::Answer(Answer::Problem { about, problem }));
    }

    /// The driver takes commands at once, whatever the viewers do; it is gone only at the end.
    fn command(&self, command: Command) {
        let _ = self.driver.commands.send(command);
    }

    /// Subscribes to what is wanted, and to nothing else.
    fn serve_demand(&mut self) {
        for (id, hint) in self.driver.demand.take_hints() {
            if let Some((_, Served::Encoded(encoding))) = self.subscriptions.get(&id) {
                encoding.hint(hint);
            }
        }
        let wanted = self.driver.demand.wanted();
        self.subscriptions
            .retain(|id, (start, _)| wanted.get(id) == Some(start));
        for id in self.retries.unwanted(&wanted) {
            self.withdraw(id);
        }
        let now = Instant::now();
        for (id, start) in wanted {
            if self.subscriptions.contains_key(&id) || self.retries.is_waiting(now, id) {
                continue;
            }
            match self.serve(id) {
                Ok(served) => {
                    self.solved(id);
                    let served = served.map(|served| (id, (start, served)));
                    self.subscriptions.extend(served);
                }
                Err(error) => self.failed(now, id, &error),
            }
        }
    }

    /// Begins to serve a channel, if it is still there.
    fn serve(&self, channel: ChannelId) -> Result<Option<Served>, ServeError> {
        let Some(topic) = self.channels.get(&channel) else {
            return Ok(self.encode(channel)?.map(Served::Encoded));
        };
        let subscription = self.subscribe(channel, topic)?;
        Ok(Some(Served::Topic(subscription)))
    }

    /// A channel cannot be served: viewers are told, and it is tried again.
    fn failed(&mut self, now: Instant, channel: ChannelId, error: &ServeError) {
        let pause = self.retries.failed(now, channel);
        if let Some(topic) = self.topic_of(channel) {
            warn!(topic, %error, ?pause, "cannot serve a channel, trying again");
            let text = format!("{topic}: the robot cannot subscribe, and tries again: {error}");
            self.problem(topic, Some((StatusLevel::Error, text)));
        }
    }

    /// A channel is served, or about to go.
    fn solved(&mut self, channel: ChannelId) {
        if self.retries.solved(channel) {
            self.withdraw(channel);
        }
    }

    /// Viewers are told that the problem of a channel is over.
    fn withdraw(&self, channel: ChannelId) {
        if let Some(topic) = self.topic_of(channel) {
            self.problem(topic, None);
        }
    }

    /// The topic of a channel as viewers know it.
    fn topic_of(&self, channel: ChannelId) -> Option<String> {
        let topic = self.channels.get(&channel).map(|topic| topic.name.clone());
        topic.or_else(|| {
            let (source, codec) = self.siblings.get(channel)?;
            Some(codec.topic(source))
        })
    }

    fn subscribe(&self, channel: ChannelId, topic: &Topic) -> Result<Subscription, RosError> {
        let messages = self.driver.messages.clone();
        let clock = self.ros.clock();
        let mut video = video_frames(topic);
        self.ros
            .subscribe(&topic.name, &topic.type_name, move |raw| {
                let frames = video.as_mut();
                let video_frame = frames.and_then(|frames| frames.next(raw.payload()));
                messages.push(message(channel, clock(), raw, video_frame));
            })
    }
}

/// A channel id that was never used.
fn new_channel(next_id: &mut u64) -> ChannelId {
    let id = ChannelId(*next_id);
    *next_id += 1;
    id
}

/// The topic that an event says something new of.
fn changed_topic(event: &TopicEvent) -> Option<String> {
    match event {
        TopicEvent::Added(topic) | TopicEvent::QosChanged(topic) => Some(topic.name.clone()),
        TopicEvent::Removed { name, .. } => Some(name.clone()),
        TopicEvent::Problem { .. } | TopicEvent::Solved { .. } => None,
    }
}

/// The frames of a topic that carries a video; a latched message is one of its own.
fn video_frames(topic: &Topic) -> Option<VideoFrames> {
    VideoFrames::of(&topic.type_name).filter(|_| !topic.qos.transient_local)
}

/// Turns a ROS message into a MessageData frame, in place.
fn message(
    channel: ChannelId,
    log_time: u64,
    raw: RawMessage,
    video_frame: Option<VideoFrame>,
) -> Message {
    let size = raw.payload().len();
    let publisher = PublisherId(u128::from_le_bytes(raw.publisher));
    let frame = message_data_header(channel, log_time, size)
        .and_then(|header| raw.into_frame(&header).ok());
    match frame {
        Some(frame) => Message::Data {
            channel,
            publisher,
            frame,
            video_frame,
        },
        None => Message::TooLarge { channel, size },
    }
}

fn channel_info(id: ChannelId, topic: &Topic, rates: &LiveRates) -> ChannelInfo {
    let mut metadata = BTreeMap::new();
    if let Some(hash) = &topic.schema.hash {
        metadata.insert("topic_type_hash".to_owned(), hash.to_string());
    }
    if topic.qos.transient_local {
        metadata.insert(LATCHED_METADATA.to_owned(), "true".to_owned());
    }
    ChannelInfo {
        channel: Channel {
            id,
            topic: topic.name.clone(),
            encoding: "cdr".to_owned(),
            schema_name: topic.type_name.clone(),
            schema_encoding: Some(topic.schema.encoding.to_owned()),
            schema: topic.schema.text.to_string(),
            metadata,
        },
        delivery: delivery(topic),
        rate_limit: rates.of(&topic.name),
    }
}

fn delivery(topic: &Topic) -> Delivery {
    Delivery {
        depth: usize::try_from(topic.qos.depth).unwrap_or(usize::MAX),
        // Frames of a video are dropped up to the next key frame.
        reliable: topic.qos.reliable && video_frames(topic).is_none(),
        latched: topic.qos.transient_local,
    }
}
