//! The candidates that are made here.

use std::net::{IpAddr, SocketAddr};

use is::{Candidate, IceError};

use crate::engine::network::ice_tcp::ACTIVE_PORT;

pub(super) fn host(address: SocketAddr) -> Result<Candidate, IceError> {
    Candidate::host(address, "udp")
}

pub(super) fn active_tcp(ip: IpAddr) -> Result<Candidate, IceError> {
    let builder = Candidate::builder()
        .tcp()
        .host(SocketAddr::new(ip, ACTIVE_PORT));
    match "active".parse() {
        Ok(active) => builder.tcptype(active).build(),
        Err(_) => builder.build(),
    }
}

pub(super) fn reflexive(mapped: SocketAddr, base: SocketAddr) -> Result<Candidate, IceError> {
    Candidate::server_reflexive(mapped, base, "udp")
}

pub(super) fn relayed_candidate(
    address: SocketAddr,
    local: SocketAddr,
) -> Result<Candidate, IceError> {
    Candidate::relayed(address, local, "udp")
}
