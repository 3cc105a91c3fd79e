//! Why parameters cannot be read or set.

use super::super::client::CallError;
use std::time::Duration;
use thiserror::Error;

/// Why a parameter could not be read or set.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParameterError {
    /// The name is that of no node, or of one that is set aside.
    #[error("there is no such node, or it does not answer")]
    NoNode,
    /// The configuration does not allow it.
    #[error("not allowed by parameter param_whitelist")]
    NotAllowed,
    /// The node refused, for this reason.
    #[error("{0}")]
    Refused(String),
    /// The node refused and did not say why.
    #[error("the node refused without a reason")]
    RefusedSilently,
    /// The node did not answer in time.
    #[error("node {node} does not answer within {} s", .timeout.as_secs_f32())]
    Timeout {
        /// The node.
        node: String,
        /// The time it had.
        timeout: Duration,
    },
    /// The call of the node's service failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A client of the node's service cannot be made, for this reason.
    #[error("{0}")]
    Client(String),
    /// The node's answer cannot be read.
    #[error("cannot read the node's answer: {0}")]
    Response(String),
    /// This node is stopping.
    #[error("the node is stopping")]
    Stopping,
}
