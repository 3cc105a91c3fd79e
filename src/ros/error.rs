//! Errors of the ROS side.

use super::schema::{SchemaError, TypeNameError};
use super::type_support::TypeSupportError;
use rclrs::RclrsError;
use thiserror::Error;

/// Errors of the ROS side.
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
    /// A name is none of a type.
    #[error(transparent)]
    TypeName(#[from] TypeNameError),
    /// A type cannot be published or called.
    #[error(transparent)]
    TypeSupport(#[from] TypeSupportError),
    /// A topic could not be subscribed to.
    #[error("cannot subscribe to {topic}: {reason}")]
    Subscribe {
        /// The topic.
        topic: String,
        /// Message of the middleware.
        reason: String,
    },
    /// A client of a service could not be made.
    #[error("cannot call {service}: {reason}")]
    Client {
        /// The service.
        service: String,
        /// Message of the middleware.
        reason: String,
    },
    /// A parameter could not be declared.
    #[error("parameter {name}: {reason}")]
    Parameter {
        /// Its name.
        name: String,
        /// Reason.
        reason: String,
    },
}

/// Why a topic or a service of the graph cannot be offered.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum OfferError {
    /// The publishers of a topic do not agree about its type.
    #[error("its publishers use different types: {}", .0.join(", "))]
    PublisherTypes(Vec<String>),
    /// The servers of a service do not agree about its type.
    #[error("its servers use different types: {}", .0.join(", "))]
    ServerTypes(Vec<String>),
    /// Its type has no schema.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The middleware does not tell its endpoints, for this reason.
    #[error("{0}")]
    Endpoints(String),
}
