//! The services that a node has for its parameters.

pub(super) const LIST: Service = Service("list_parameters", "rcl_interfaces/srv/ListParameters");
pub(super) const GET: Service = Service("get_parameters", "rcl_interfaces/srv/GetParameters");
pub(super) const SET: Service = Service("set_parameters", "rcl_interfaces/srv/SetParameters");

/// One of the services that a node has for its parameters: name and type.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Service(pub &'static str, pub &'static str);
