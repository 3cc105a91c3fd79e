//! The local addresses that may be offered to a peer.

use std::net::IpAddr;

/// IPv6 addresses used at most, as in the official library. Privacy extensions make many.
const MAX_IPV6: usize = 5;
/// Addresses used at most. A machine with more (one per container, say) gains nothing from them.
const MAX_ADDRESSES: usize = 16;

/// The addresses of all interfaces, the most useful first: loopback comes last, because it is of
/// use only when the peer is on the same machine.
pub(super) fn local_addresses() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        log::error!("cannot list the network interfaces: {error}");
        Vec::new()
    });
    select(interfaces.into_iter().map(|interface| interface.ip()))
}

fn select(all: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = all.filter(is_usable).collect();
    addresses.sort_by_key(|ip| (ip.is_loopback(), *ip));
    addresses.dedup();
    let mut ipv6 = 0;
    addresses.retain(|ip| {
        let counted = ip.is_ipv6() && !ip.is_loopback();
        ipv6 += usize::from(counted);
        !counted || ipv6 <= MAX_IPV6
    });
    // Loopback is kept: without any other address it is all there is.
    let excess = addresses.len().saturating_sub(MAX_ADDRESSES);
    let outside = addresses.iter().filter(|ip| !ip.is_loopback()).count();
    let first_dropped = outside.saturating_sub(excess);
    addresses.drain(first_dropped..outside);
    addresses
}

fn is_usable(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !ip.is_link_local() && !ip.is_unspecified(),
        // Link-local ones work with a scope only, which a candidate cannot carry.
        IpAddr::V6(ip) => {
            !ip.is_unicast_link_local() && !ip.is_unspecified() && ip.to_ipv4_mapped().is_none()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(all: &[&str]) -> Vec<String> {
        let all = all.iter().map(|ip| ip.parse().unwrap());
        select(all).iter().map(IpAddr::to_string).collect()
    }

    #[test]
    fn loopback_comes_last_and_link_local_not_at_all() {
        let all = [
            "127.0.0.1",
            "::1",
            "fe80::1",
            "169.254.3.4",
            "10.0.0.2",
            "2001:db8::1",
            "10.0.0.2",
            "::ffff:1.2.3.4",
        ];
        assert_eq!(
            selected(&all),
            ["10.0.0.2", "2001:db8::1", "127.0.0.1", "::1"]
        );
    }

    #[test]
    fn a_machine_with_many_addresses_offers_some() {
        let mut all: Vec<String> = (1..40).map(|n| format!("10.0.0.{n}")).collect();
        all.extend((1..20).map(|n| format!("2001:db8::{n}")));
        all.push("127.0.0.1".to_owned());
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let kept = selected(&all);
        assert_eq!(kept.len(), MAX_ADDRESSES);
        assert_eq!(kept.last().unwrap(), "127.0.0.1");
        let only_v6: Vec<&str> = all.iter().copied().filter(|ip| ip.contains(':')).collect();
        assert_eq!(selected(&only_v6).len(), MAX_IPV6);
    }
}
