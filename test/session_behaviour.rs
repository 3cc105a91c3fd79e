//! The session's behaviour, one file per topic.

mod session_harness;

mod session_answers;
mod session_any_bytes;
mod session_assets;
mod session_client_publish;
mod session_command_topics;
mod session_connection_graph;
mod session_control;
mod session_counters;
mod session_data;
mod session_greeting;
mod session_hostile;
mod session_lanes;
mod session_latched;
mod session_limits;
mod session_parameters;
mod session_permissions;
mod session_rates;
mod session_resync;
mod session_services;
mod session_subscriptions;
