//! The ROS 2 side of the node: everything that names rclrs or rcl.
//!
//! It offers a node, the topics of the graph with their schemas, and subscriptions to
//! serialized messages. It knows nothing of viewers.

mod any_message;
mod buffer;
mod client;
mod executor;
mod ffi;
mod filter;
mod graph;
mod handle;
mod message;
mod parameters;
mod publisher;
mod qos;
mod schema;
mod source;
mod subscription;
mod take;
mod topics;
mod type_support;

pub use buffer::HEADROOM;
pub use client::{CallError, ServiceClient};
pub use filter::{PatternError, Patterns, TopicFilter};
pub use message::{PublisherId, RawMessage};
pub use parameters::{Live, Parameters};
pub use publisher::{PublishError, Publisher, PublisherQos};
pub use qos::{QosPolicy, TopicQos};
pub use schema::{Schema, SchemaError, SchemaStore};
pub use subscription::Subscription;
pub use topics::{Topic, TopicEvent};
pub use type_support::TypeSupportError;

use client::ClientThread;
use executor::Executor;
use flume::Receiver;
use graph::GraphThread;
use rclrs::{Context, InitOptions, LogSeverity, Logger, Node, RclrsError};
use std::sync::Arc;
use subscription::Subscriptions;
use take::TakeThread;
use thiserror::Error;
use tokio::runtime::Handle;
use topics::Watcher;
use type_support::TypeSupports;

/// The node's name unless remapped.
const NODE_NAME: &str = "remote_access_bridge";
/// Topic events that may wait for a watcher.
const TOPIC_EVENTS: usize = 1024;
/// Each time rclrs 0.8 reads the endpoints of a topic on Fast DDS, which does not tell their
/// history, it logs an error under this name, which is used for nothing else.
const NOISY_LOGGER: &str = "QoSProfile.conversion";

/// What can go wrong on the ROS side.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RosError {
    /// rcl or the middleware refused.
    #[error(transparent)]
    Rcl(#[from] RclrsError),
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
    /// A type is unknown or cannot be subscribed to.
    #[error(transparent)]
    Type(#[from] SchemaError),
    /// A type cannot be published or called.
    #[error(transparent)]
    TypeSupport(#[from] TypeSupportError),
    /// A topic could not be subscribed to.
    #[error("cannot subscribe to {topic}: {reason}")]
    Subscribe {
        /// The topic.
        topic: String,
        /// What the middleware says.
        reason: String,
    },
    /// A client of a service could not be made.
    #[error("cannot call {service}: {reason}")]
    Client {
        /// The service.
        service: String,
        /// What the middleware says.
        reason: String,
    },
    /// A parameter could not be declared.
    #[error("parameter {name}: {reason}")]
    Parameter {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The node and its threads. Dropping it ends them.
pub struct Ros {
    node: Node,
    executor: Executor,
    subscriptions: Arc<Subscriptions>,
    take: TakeThread,
    clients: ClientThread,
    graph: GraphThread,
    types: TypeSupports,
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
        let subscriptions = Arc::new(Subscriptions::new(Arc::clone(&node)));
        let take = TakeThread::start()?;
        let schemas = Arc::new(SchemaStore::from_env());
        let graph = GraphThread::start(&node, Arc::clone(&schemas), Arc::clone(&subscriptions))?;
        Ok(Self {
            node,
            executor,
            subscriptions,
            take,
            clients: ClientThread::start()?,
            graph,
            types: TypeSupports::new(schemas),
        })
    }

    /// The rclrs node.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.node
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

    /// Sets how the QoS of topics follows from their publishers. Holds for what is subscribed
    /// or told of from now on.
    pub fn set_qos_policy(&self, policy: QosPolicy) {
        self.subscriptions.set_policy(policy);
    }

    /// Tells the topics that have a publisher and pass the filter, first those that exist. A
    /// receiver that lags may miss topics that came and went, but gets the state that lasts.
    #[must_use]
    pub fn watch_topics(&self, filter: TopicFilter) -> Receiver<TopicEvent> {
        let (events, receiver) = flume::bounded(TOPIC_EVENTS);
        self.graph.watch(Watcher::new(filter, events));
        receiver
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
        Publisher::create(&self.node, &self.types, topic, type_name, qos)
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
        ServiceClient::create(&self.node, &self.types, &self.clients, name, type_name)
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
