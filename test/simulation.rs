//! A deterministic world in virtual time for the session: links, a server that buffers, viewers.

pub mod check;
pub mod link;
pub mod random;
pub mod scenario;
pub mod viewer;
pub mod world;
