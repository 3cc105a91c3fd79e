//! The session's behaviour, one file per topic.

mod harness;

mod answers;
mod any_bytes;
mod assets;
mod client_publish;
mod command_topics;
mod connection_graph;
mod control;
mod counters;
mod data;
mod fairness;
mod greeting;
mod hostile;
mod lanes;
mod latched;
mod limits;
mod parameters;
mod permissions;
mod rates;
mod resync;
mod rights;
mod services;
mod subscriptions;
mod video;
