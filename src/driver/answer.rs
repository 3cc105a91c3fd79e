//! Answers of the robot's side to the requests of viewers, and what it tells them unasked.

use std::time::Instant;

use bytes::Bytes;
use remote_access_protocol::failure::RequestFailure;
use remote_access_protocol::parameter::Parameter;
use remote_access_protocol::server::StatusLevel;

use remote_access_session::{ClientChannelKey, Connections, RequestKey, Session, Subject};

/// An answer of the robot's side. Those that nobody waits for any more are ignored.
#[derive(Debug)]
pub enum Answer {
    /// The outcome of a service call.
    Service {
        /// The call.
        key: RequestKey,
        /// The response, or why there is none.
        result: Result<Bytes, RequestFailure>,
    },
    /// The values of parameters.
    Parameters {
        /// The request.
        key: RequestKey,
        /// The values.
        parameters: Vec<Parameter>,
    },
    /// A parameter could not be set or read.
    ParameterFailed {
        /// The request.
        key: RequestKey,
        /// The parameter.
        name: String,
        /// Why.
        reason: String,
    },
    /// Parameters have changed.
    ParametersChanged(Vec<Parameter>),
    /// The connection graph as it is now.
    Graph(Connections),
    /// The outcome of a request for an asset.
    Asset {
        /// The request.
        key: RequestKey,
        /// The file, or why it cannot be had.
        result: Result<Bytes, RequestFailure>,
    },
    /// A viewer cannot publish on its channel.
    ChannelFailed {
        /// The channel.
        key: ClientChannelKey,
        /// Why.
        reason: String,
    },
    /// A message of a viewer was not published.
    PublishFailed {
        /// The channel.
        key: ClientChannelKey,
        /// Why.
        reason: String,
    },
    /// The robot's simulated time in nanoseconds.
    Time(u64),
    /// A problem of the robot that viewers are told about, or its end.
    Problem {
        /// Subject of the problem.
        about: Subject,
        /// Severity and text, or `None`: it is over.
        problem: Option<(StatusLevel, String)>,
    },
}

impl Answer {
    pub(super) fn apply(self, session: &mut Session, now: Instant) {
        match self {
            Self::Service { key, result } => session.service_response(now, key, result),
            Self::Parameters { key, parameters } => session.parameter_values(now, key, parameters),
            Self::ParameterFailed { key, name, reason } => {
                session.parameter_failed(now, key, &name, &reason);
            }
            Self::ParametersChanged(parameters) => session.parameters_changed(now, &parameters),
            Self::Graph(graph) => session.connection_graph(now, graph),
            Self::Asset { key, result } => session.asset(now, key, result),
            Self::ChannelFailed { key, reason } => session.client_channel_failed(now, key, &reason),
            Self::PublishFailed { key, reason } => session.publish_failed(now, key, &reason),
            Self::Time(time) => session.time(time),
            Self::Problem { about, problem } => session.problem(now, about, problem),
        }
    }
}
