//! A simulated link in virtual time, to try transport protocols on.
//!
//! Two [`Endpoint`]s without sockets and clocks of their own exchange packets over two [`Link`]s, one
//! for each direction: propagation delay, a bottleneck with a queue, random or bursty loss, jitter and
//! outages. A [`Scenario`] says what the links are like and what one end sends to the other;
//! [`run`] plays it and returns the figures as a [`Report`]. An hour of virtual time takes seconds,
//! and the same seed gives the same losses. [`Association`] is an end with this project's SCTP.

mod association;
mod endpoint;
mod link;
mod report;
mod run;
mod scenario;

pub use association::Association;
pub use endpoint::{Delivery, Endpoint, Event, Outgoing};
pub use link::{Link, LinkConfig, Loss};
pub use report::Report;
pub use run::run;
pub use scenario::{all, Scenario, Traffic};
