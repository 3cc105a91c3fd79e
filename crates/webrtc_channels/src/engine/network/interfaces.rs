//! The local addresses that may be offered to a peer.

use std::net::IpAddr;
use std::sync::Arc;

use if_addrs::Interface;

use super::links::{kind, DefaultRoutes, Kind};
use crate::configuration::interface_filter;

/// IPv6 addresses used at most, as in the official library. Privacy extensions make many.
const MAX_IPV6: usize = 5;
/// Addresses used at most. A machine with more (one per container, say) gains nothing from them.
const MAX_ADDRESSES: usize = 16;

/// A local address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LocalAddress {
    pub(super) ip: IpAddr,
    /// The interface that its sockets are bound to. Where several lead to other networks the kernel
    /// would send everything over the best of them, whatever address it comes from.
    pub(super) device: Option<Arc<str>>,
}

/// An address with what makes it useful. The order of the fields is that of their weight.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    reach: Reach,
    kind: Kind,
    /// IPv6 comes first (RFC 8421).
    is_ipv4: bool,
    interface: String,
    ip: IpAddr,
}

/// How far an address reaches, the most useful first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// The interface has a default route, with this as its lowest metric.
    Everywhere(u32),
    Nearby,
    /// The interface has no carrier, perhaps for a moment only.
    Down,
    /// Of use only when the peer is on the same machine.
    Loopback,
}

/// The addresses of all interfaces, the most useful first.
pub(super) fn local_addresses() -> Vec<LocalAddress> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        log::error!("cannot list the network interfaces: {error}");
        Vec::new()
    });
    let routes = DefaultRoutes::read();
    let filter = interface_filter();
    let is_wanted = |candidate: &Candidate| {
        let decided = || {
            filter
                .as_ref()
                .and_then(|filter| filter(&candidate.interface))
        };
        candidate.reach == Reach::Loopback
            || decided().unwrap_or(candidate.kind != Kind::ContainerBridge)
    };
    let candidates = interfaces
        .iter()
        .filter(|interface| is_usable(&interface.ip()))
        .map(|interface| candidate(interface, &routes))
        .filter(is_wanted);
    select(candidates.collect(), routes.are_of_several_interfaces())
}

fn candidate(interface: &Interface, routes: &DefaultRoutes) -> Candidate {
    let (name, ip) = (interface.name.as_str(), interface.ip());
    let leads_out = routes.metric(name, ip.is_ipv6()).is_some();
    let reach = match routes.lowest_metric(name) {
        _ if ip.is_loopback() => Reach::Loopback,
        Some(metric) if leads_out => Reach::Everywhere(metric),
        _ if interface.is_oper_up() => Reach::Nearby,
        _ => Reach::Down,
    };
    let kind = match kind(name) {
        // The machine's own way out, whatever is behind it.
        Kind::ContainerBridge if leads_out => Kind::Wired,
        kind => kind,
    };
    Candidate {
        reach,
        kind,
        is_ipv4: ip.is_ipv4(),
        interface: name.to_owned(),
        ip,
    }
}

/// The most useful addresses first. Those that lead to other networks are bound to their interface if
/// `several` do.
fn select(mut candidates: Vec<Candidate>, several: bool) -> Vec<LocalAddress> {
    candidates.sort();
    candidates.dedup_by(|next, kept| next.ip == kept.ip);
    let mut ipv6 = 0;
    candidates.retain(|candidate| {
        let counted = !candidate.is_ipv4 && candidate.reach != Reach::Loopback;
        ipv6 += usize::from(counted);
        !counted || ipv6 <= MAX_IPV6
    });
    // Loopback is kept: without any other address it is all there is.
    let excess = candidates.len().saturating_sub(MAX_ADDRESSES);
    let outside = candidates
        .iter()
        .filter(|candidate| candidate.reach != Reach::Loopback)
        .count();
    candidates.drain(outside.saturating_sub(excess)..outside);
    let address = |candidate: Candidate| {
        let leads_out = matches!(candidate.reach, Reach::Everywhere(_));
        LocalAddress {
            ip: candidate.ip,
            device: (several && leads_out).then(|| candidate.interface.into()),
        }
    };
    candidates.into_iter().map(address).collect()
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

    fn candidate(interface: &str, ip: &str, reach: Reach, kind: Kind) -> Candidate {
        let ip: IpAddr = ip.parse().unwrap();
        Candidate {
            reach,
            kind,
            is_ipv4: ip.is_ipv4(),
            interface: interface.to_owned(),
            ip,
        }
    }

    fn texts(selected: &[LocalAddress]) -> Vec<String> {
        selected.iter().map(|local| local.ip.to_string()).collect()
    }

    #[test]
    fn the_way_out_with_the_lowest_metric_comes_first_and_loopback_last() {
        use Kind::{Mobile, Wired, Wireless};
        let out = Reach::Everywhere;
        let mut all = vec![
            candidate("lo", "127.0.0.1", Reach::Loopback, Wired),
            candidate("wwan0", "10.1.2.3", out(700), Mobile),
            candidate("can0", "10.0.0.9", Reach::Nearby, Wired),
            candidate("eth5", "10.0.0.7", Reach::Down, Wired),
            candidate("wlan1", "10.0.0.8", Reach::Nearby, Wireless),
            candidate("wlan0", "192.168.1.7", out(600), Wireless),
            candidate("wlan0", "2001:db8::7", out(600), Wireless),
            // The same address twice, as with an alias.
            candidate("wlan0:1", "192.168.1.7", out(600), Wireless),
        ];
        let order = [
            "2001:db8::7",
            "192.168.1.7",
            "10.1.2.3",
            "10.0.0.9",
            "10.0.0.8",
            "10.0.0.7",
            "127.0.0.1",
        ];
        assert_eq!(texts(&select(all.clone(), true)), order);
        all.reverse();
        assert_eq!(texts(&select(all, true)), order);
    }

    #[test]
    fn sockets_are_bound_where_several_interfaces_lead_out() {
        let all = || {
            vec![
                candidate("wlan0", "10.0.0.1", Reach::Everywhere(600), Kind::Wireless),
                candidate("eth1", "10.0.1.1", Reach::Nearby, Kind::Wired),
                candidate("lo", "127.0.0.1", Reach::Loopback, Kind::Wired),
            ]
        };
        let devices = |several| -> Vec<Option<String>> {
            let selected = select(all(), several);
            let device = |local: LocalAddress| local.device.map(|name| name.to_string());
            selected.into_iter().map(device).collect()
        };
        assert_eq!(devices(true), [Some("wlan0".to_owned()), None, None]);
        assert_eq!(devices(false), [None, None, None]);
    }

    #[test]
    fn addresses_that_no_candidate_can_carry_are_not_used() {
        for (ip, usable) in [
            ("fe80::1", false),
            ("169.254.3.4", false),
            ("::ffff:1.2.3.4", false),
            ("0.0.0.0", false),
            ("10.0.0.2", true),
            ("2001:db8::1", true),
        ] {
            assert_eq!(is_usable(&ip.parse().unwrap()), usable, "{ip}");
        }
    }

    #[test]
    fn a_machine_with_many_addresses_offers_some() {
        let of = |ips: Vec<String>, reach| -> Vec<Candidate> {
            let of = |ip: &String| candidate("eth0", ip, reach, Kind::Wired);
            ips.iter().map(of).collect()
        };
        let ipv6: Vec<String> = (1..20).map(|n| format!("2001:db8::{n}")).collect();
        let ipv6 = of(ipv6, Reach::Everywhere(100));
        let mut all = of(
            (1..40).map(|n| format!("10.0.0.{n}")).collect(),
            Reach::Everywhere(100),
        );
        all.extend(ipv6.clone());
        all.extend(of(vec!["127.0.0.1".to_owned()], Reach::Loopback));
        let kept = texts(&select(all, false));
        assert_eq!(kept.len(), MAX_ADDRESSES);
        assert_eq!(kept.last().unwrap(), "127.0.0.1");
        assert_eq!(select(ipv6, false).len(), MAX_IPV6);
    }
}
