//! The ROS 2 side of the node: everything that names rclrs or rcl.
//!
//! It offers a node, the topics, services and connections of the graph with their schemas,
//! subscriptions to serialized messages, publishers and service clients of any type, the parameters
//! of all nodes, and the files of packages. It knows nothing of viewers.

mod any_message;
mod assets;
mod buffer;
mod change_feed;
mod client;
mod clients;
mod clock;
mod connection_graph;
mod error;
mod executor;
mod ffi;
mod filter;
mod graph;
mod handle;
mod message;
mod parameter_client;
mod parameter_value;
mod parameters;
mod publisher;
mod qos;
mod rosout;
mod schema;
mod services;
mod source;
mod subscription;
mod take;
mod topic_scan;
mod topics;
mod type_support;

pub use assets::{AssetError, AssetPolicy};
pub use buffer::HEADROOM;
pub use client::{CallError, ServiceClient};
pub use clock::ClockWatch;
pub use connection_graph::{ConnectionWatch, Connections};
pub use error::{OfferError, RosError};
pub use filter::{PatternError, Patterns, TopicFilter};
pub use message::{PublisherId, RawMessage};
pub use parameter_client::{
    FoundParameters, ParameterClient, ParameterEntry, ParameterError, ParameterWatch,
};
pub use parameter_value::ParameterValue;
pub use parameters::Parameters;
pub use publisher::{PublishError, Publisher, ReadMessage};
pub use qos::{PublisherQos, QosPolicy, TopicQos};
use rosout::NodeLoggers;
pub use rosout::RosLog;
pub use schema::{Schema, SchemaError, SchemaStore, SchemaTextError, TypeNameError};
pub use services::{Service, ServiceEvent};
pub use subscription::Subscription;
pub use topics::{Topic, TopicEvent};
pub use type_support::{LibraryError, TypeSupportError};

use bytes::Bytes;
use change_feed::ChangeFeed;
use clients::Clients;
use connection_graph::ConnectionFeed;
use executor::Executor;
use flume::Receiver;
use graph::{Feed, GraphThread};
use rclrs::{
    Context, InitOptions, LogSeverity, Logger, Node, QoSProfile, RclrsError, TopicEndpointInfo,
};
use std::sync::Arc;
use std::time::Duration;
use subscription::Subscriptions;
use take::TakeThread;
use tokio::runtime::Handle;
use type_support::TypeSupports;

/// The node's name unless remapped.
const NODE_NAME: &str = "remote_access_bridge";
/// Events of topics or services that may wait for a feed.
const EVENTS: usize = 1024;
/// Each time rclrs 0.8 reads the endpoints of a topic on Fast DDS, which does not tell their
/// history, it logs an error under this name, which is used for nothing else.
const NOISY_LOGGER: &str = "QoSProfile.conversion";

/// The node and its threads. Dropping it ends them.
pub struct Ros {
    node: Node,
    executor: Executor,
    loggers: NodeLoggers,
    subscriptions: Arc<Subscriptions>,
    take: Arc<TakeThread>,
    clients: Arc<Clients>,
    graph: GraphThread,
    schemas: Arc<SchemaStore>,
}

impl Ros {
    /// Starts the node. `args` are the program's arguments, of which those behind `--ros-args`
    /// count (name, namespace, remappings, parameters); `runtime` runs rclrs's futures.
    ///
    /// # Errors
    /// The arguments are wrong, the middleware does not start, or there are no threads left.
    pub fn start(
        args: impl IntoIterator<Item = String>,
        runtime: Handle,
    ) -> Result<Self, RosError> {
        let context = Context::new(args, InitOptions::default())?;
        Logger::new(NOISY_LOGGER)?.set_level(LogSeverity::Fatal)?;
        let executor = Executor::new(runtime);
        let node = context
            .create_executor(executor.clone())
            .create_node(NODE_NAME)?;
        let loggers = NodeLoggers::new(&node)?;
        executor.run_node()?;
        let subscriptions = Arc::new(Subscriptions::new(Arc::clone(&node)));
        let take = Arc::new(TakeThread::start()?);
        let schemas = Arc::new(SchemaStore::from_env());
        let graph = GraphThread::start(&node, Arc::clone(&schemas), Arc::clone(&subscriptions))?;
        let types = Arc::new(TypeSupports::new(Arc::clone(&schemas)));
        let clients = Arc::new(Clients::start(Arc::clone(&node), types)?);
        Ok(Self {
            node,
            executor,
            loggers,
            subscriptions,
            take,
            clients,
            graph,
            schemas,
        })
    }

    /// The rclrs node.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Name of the middleware that the node uses, such as `rmw_fastrtps_cpp`.
    #[must_use]
    pub fn middleware(&self) -> String {
        ffi::middleware()
    }

    /// Declares parameters on the node.
    #[must_use]
    pub fn parameters(&self) -> Parameters {
        Parameters::new(Arc::clone(&self.node))
    }

    /// Nanoseconds of the node's clock: since the Unix epoch, or simulated time with `use_sim_time`.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        u64::try_from(self.node.get_clock().now().nsec).unwrap_or(0)
    }

    /// The node's clock as in [`Ros::now_ns`], for use elsewhere.
    pub fn clock(&self) -> impl Fn() -> u64 + Send + 'static {
        let clock = self.node.get_clock();
        move || u64::try_from(clock.now().nsec).unwrap_or(0)
    }

    /// Whether the node's clock is simulated time (`use_sim_time`, which is read once).
    #[must_use]
    pub fn uses_sim_time(&self) -> bool {
        let parameters = self.node.use_undeclared_parameters();
        parameters.get::<bool>("use_sim_time").unwrap_or(false)
    }

    /// Subscribes to simulated time.
    ///
    /// # Errors
    /// As [`Ros::subscribe`].
    pub fn watch_clock(&self) -> Result<ClockWatch, RosError> {
        let (sender, time) = tokio::sync::watch::channel(0);
        let sink = move |message: RawMessage| {
            if let Some(time) = clock::time_of(message.payload()) {
                sender.send_if_modified(|last| std::mem::replace(last, time) != time);
            }
        };
        Ok(ClockWatch {
            time,
            _subscription: self.subscribe(clock::CLOCK, clock::CLOCK_TYPE, sink)?,
        })
    }

    /// Sets how the QoS of topics follows from their publishers. Holds for what is subscribed
    /// or told of from now on.
    pub fn set_qos_policy(&self, policy: QosPolicy) {
        self.subscriptions.set_policy(policy);
    }

    /// Tells the topics that have a publisher and pass the filter, first those that exist. A
    /// receiver that lags may miss topics that came and went, but gets the state that lasts.
    #[must_use]
    pub fn watch_topics(&self, filter: TopicFilter) -> Receiver<TopicEvent> {
        let (events, receiver) = flume::bounded(EVENTS);
        self.graph
            .add(Feed::Topics(ChangeFeed::new(filter, events)));
        receiver
    }

    /// Tells the services that have a server and pass the filter, as [`Ros::watch_topics`] does
    /// for topics.
    #[must_use]
    pub fn watch_services(&self, filter: TopicFilter) -> Receiver<ServiceEvent> {
        let (events, receiver) = flume::bounded(EVENTS);
        self.graph
            .add(Feed::Services(ChangeFeed::new(filter, events)));
        receiver
    }

    /// Tells which nodes publish, subscribe to and serve the topics and services that pass the
    /// filters.
    #[must_use]
    pub fn watch_connections(&self, topics: TopicFilter, services: TopicFilter) -> ConnectionWatch {
        let (feed, watch) = ConnectionFeed::new(topics, services);
        self.graph.add(Feed::Connections(feed));
        watch
    }

    /// Subscribes to serialized messages. The QoS is that of the publishers, and follows them.
    ///
    /// The sink is called on the thread that takes all messages: it must be quick and must not
    /// wait, nor log each message, which would come back on /rosout. This takes milliseconds.
    ///
    /// # Errors
    /// The type is not installed, or the middleware refuses.
    pub fn subscribe(
        &self,
        topic: &str,
        type_name: &str,
        sink: impl FnMut(RawMessage) + Send + 'static,
    ) -> Result<Subscription, RosError> {
        self.subscriptions
            .subscribe(&self.take, topic, type_name, Box::new(sink))
    }

    /// Publishes messages of any installed type on a topic. This takes milliseconds.
    ///
    /// # Errors
    /// The type is not installed, the name is none of a topic, or the middleware refuses.
    pub fn publisher(
        &self,
        topic: &str,
        type_name: &str,
        qos: PublisherQos,
    ) -> Result<Publisher, RosError> {
        Publisher::create(&self.node, self.clients.types(), topic, type_name, qos)
    }

    /// The QoS with which a publisher reaches all subscriptions that a topic has at this moment.
    #[must_use]
    pub fn publisher_qos(&self, topic: &str) -> PublisherQos {
        let others = |endpoints: Result<Vec<TopicEndpointInfo>, RclrsError>| -> Vec<QoSProfile> {
            let endpoints = endpoints.unwrap_or_default().into_iter();
            endpoints
                .filter(|endpoint| !self.is_own(endpoint))
                .map(|endpoint| endpoint.qos_profile)
                .collect()
        };
        let subscriptions = others(self.node.get_subscriptions_info_by_topic(topic));
        let publishers = others(self.node.get_publishers_info_by_topic(topic));
        PublisherQos::matching(&subscriptions, &publishers)
    }

    /// Whether an endpoint is one of this node's.
    fn is_own(&self, endpoint: &TopicEndpointInfo) -> bool {
        endpoint.node_name == self.node.name() && endpoint.node_namespace == self.node.namespace()
    }

    /// The types that a topic has in the graph at this moment, `package/msg/Type`.
    #[must_use]
    pub fn types_of(&self, topic: &str) -> Vec<String> {
        let topics = self.node.get_topic_names_and_types();
        topics
            .ok()
            .and_then(|mut topics| topics.remove(topic))
            .unwrap_or_default()
    }

    /// Makes a client of a service of any installed type. This takes milliseconds. Whether there
    /// is such a service, a call finds out.
    ///
    /// # Errors
    /// The type is not installed, the name is none of a service, or the middleware refuses.
    pub fn service_client(&self, name: &str, type_name: &str) -> Result<ServiceClient, RosError> {
        self.clients.create(name, type_name)
    }

    /// Reads and sets the parameters of all nodes, of those whose full name (`/node.parameter`) is
    /// allowed. `timeout` is how long a node may take for an answer.
    #[must_use]
    pub fn parameter_client(&self, allow: Patterns, timeout: Duration) -> Arc<ParameterClient> {
        Arc::new(ParameterClient::new(
            Arc::clone(&self.clients),
            Arc::clone(&self.subscriptions),
            Arc::clone(&self.take),
            allow,
            timeout,
        ))
    }

    /// Reads a file of an installed package, given as `package://name/path`. Takes as long as the
    /// file system does.
    ///
    /// # Errors
    /// The policy does not allow it, or there is no such file.
    pub fn fetch_asset(&self, uri: &str, policy: &AssetPolicy) -> Result<Bytes, AssetError> {
        assets::fetch(&self.schemas, uri, policy)
    }

    /// Ends the threads. No sink is called after this.
    pub fn shutdown(self) {
        drop(self);
    }
}

impl Drop for Ros {
    fn drop(&mut self) {
        self.graph.stop();
        self.take.stop();
        self.clients.stop();
        self.executor.stop();
    }
}
