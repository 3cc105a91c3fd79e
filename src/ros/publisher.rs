//! Publishers of any installed type.
//!
//! A message is checked against its definition, read into the C struct of its type by the
//! middleware, and published from there. rclrs keeps its `rcl_publisher_t` to itself, so that the
//! serialized form cannot be handed on as it is; the detour costs two copies, and what reaches the
//! other nodes is what this node's middleware wrote.

use super::any_message::{AnyMessage, Opaque};
use super::error::RosError;
use super::qos::PublisherQos;
use super::type_support::{MessageSupport, TypeSupports};
use rclrs::{Node, PublisherOptions};
use remote_access_cdr::CdrError;
use std::sync::Arc;
use thiserror::Error;

/// Largest serialized message that is made from JSON, in bytes. Larger ones come as CDR.
const MAX_FROM_JSON: usize = 64 * 1024 * 1024;

/// Why a message was not published.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PublishError {
    /// It is no message of the type.
    #[error("no {type_name}: {reason}")]
    Invalid {
        /// The type it should have.
        type_name: String,
        /// Reason.
        reason: CdrError,
    },
    /// The middleware refused.
    #[error("{0}")]
    Middleware(String),
}

/// A message that a publisher of its type can publish.
pub struct ReadMessage(AnyMessage);

/// A publisher of serialized messages. Dropping it ends it, which takes some milliseconds.
#[must_use = "dropping it ends the publisher"]
pub struct Publisher {
    topic: String,
    support: Arc<MessageSupport>,
    publisher: rclrs::Publisher<Opaque>,
}

impl Publisher {
    pub(super) fn create(
        node: &Node,
        types: &TypeSupports,
        topic: &str,
        type_name: &str,
        qos: PublisherQos,
    ) -> Result<Self, RosError> {
        let support = types.message(type_name)?;
        let mut options = PublisherOptions::new(topic);
        options.qos = qos.profile();
        let publisher = Opaque::with_type_support(support.type_support, || {
            node.create_publisher::<Opaque>(options)
        })?;
        Ok(Self {
            topic: publisher.topic_name(),
            support,
            publisher,
        })
    }

    /// The topic's full name.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The type of its messages, `package/msg/Type`.
    #[must_use]
    pub fn type_name(&self) -> &str {
        self.support.definition.name()
    }

    /// Number of subscriptions that it reaches now.
    #[must_use]
    pub fn subscriptions(&self) -> usize {
        self.publisher.get_subscription_count().unwrap_or(0)
    }

    /// Whether its messages begin with a `std_msgs/Header`.
    #[must_use]
    pub fn has_header(&self) -> bool {
        self.support.definition.has_header()
    }

    /// Publishes a message in CDR, of either byte order. What is no message of the type does not
    /// reach the middleware.
    ///
    /// # Errors
    /// Says what is wrong, and where.
    pub fn publish(&self, cdr: &[u8]) -> Result<(), PublishError> {
        self.publish_read(&self.read(cdr)?)
    }

    /// Publishes a message given as a JSON object. A field that is not given has its default, so
    /// that `{}` is a message as newly made.
    ///
    /// # Errors
    /// Says what is wrong, and where.
    pub fn publish_json(&self, json: &[u8]) -> Result<(), PublishError> {
        self.publish_read(&self.read_json(json)?)
    }

    /// Reads a message for [`Self::publish_read`], as [`Self::publish`] does. Most of the time that
    /// publishing takes is spent here.
    ///
    /// # Errors
    /// Says what is wrong, and where.
    pub fn read(&self, cdr: &[u8]) -> Result<ReadMessage, PublishError> {
        let definition = &self.support.definition;
        let length = definition
            .check(cdr)
            .map_err(|reason| self.invalid(reason))?;
        self.deserialize(&cdr[..length])
    }

    /// Reads a message for [`Self::publish_read`], as [`Self::publish_json`] does.
    ///
    /// # Errors
    /// Says what is wrong, and where.
    pub fn read_json(&self, json: &[u8]) -> Result<ReadMessage, PublishError> {
        let definition = &self.support.definition;
        let message = definition
            .from_json(json, MAX_FROM_JSON)
            .map_err(|reason| self.invalid(reason))?;
        self.deserialize(&message)
    }

    /// Publishes a message that was read by a publisher of the same type.
    ///
    /// # Errors
    /// The middleware refused.
    pub fn publish_read(&self, message: &ReadMessage) -> Result<(), PublishError> {
        self.publisher
            .publish(message.0.as_opaque())
            .map_err(|problem| PublishError::Middleware(problem.to_string()))
    }

    fn deserialize(&self, checked: &[u8]) -> Result<ReadMessage, PublishError> {
        AnyMessage::deserialize(&self.support, checked)
            .map(ReadMessage)
            .map_err(|problem| PublishError::Middleware(problem.to_string()))
    }

    fn invalid(&self, reason: CdrError) -> PublishError {
        PublishError::Invalid {
            type_name: self.type_name().to_owned(),
            reason,
        }
    }
}
