//! Network interfaces as the system describes them: their kind, and whether they lead to other networks.
//!
//! Linux tells it in files. Elsewhere nothing is known, and all interfaces are alike.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// Where the kernel lists the interfaces (`Documentation/ABI/testing/sysfs-class-net`).
const INTERFACES: &str = "/sys/class/net";
/// Flags of a route (`linux/route.h`): it is in use, and it is not one that refuses.
const RTF_UP: u32 = 0x1;
const RTF_REJECT: u32 = 0x200;

/// The kind of an interface, the one that usually carries most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Wired,
    Wireless,
    Mobile,
    Tunnel,
    /// A bridge that joins no device of the machine: containers and virtual machines are behind it.
    ContainerBridge,
}

/// The default routes of the machine.
#[derive(Debug, Default)]
pub(super) struct DefaultRoutes {
    /// Their metric by interface; the lower one takes precedence.
    ipv4: HashMap<String, u32>,
    ipv6: HashMap<String, u32>,
}

impl DefaultRoutes {
    /// The routes as they are now.
    pub(super) fn read() -> Self {
        let read = |name| fs::read_to_string(Path::new("/proc/net").join(name)).unwrap_or_default();
        Self::parse(&read("route"), &read("ipv6_route"))
    }

    fn parse(ipv4: &str, ipv6: &str) -> Self {
        let mut routes = Self::default();
        for line in ipv4.lines() {
            routes.ipv4.extend(ipv4_default(line));
        }
        for line in ipv6.lines() {
            routes.ipv6.extend(ipv6_default(line));
        }
        routes
    }

    /// The metric of the default route over an interface, of one version of IP.
    pub(super) fn metric(&self, interface: &str, is_ipv6: bool) -> Option<u32> {
        let routes = if is_ipv6 { &self.ipv6 } else { &self.ipv4 };
        routes.get(interface).copied()
    }

    /// The lowest metric of an interface, of either version of IP.
    pub(super) fn lowest_metric(&self, interface: &str) -> Option<u32> {
        let [ipv4, ipv6] = [false, true].map(|is_ipv6| self.metric(interface, is_ipv6));
        ipv4.into_iter().chain(ipv6).min()
    }

    /// Whether more than one interface leads to other networks.
    pub(super) fn are_of_several_interfaces(&self) -> bool {
        let mut names = self.ipv4.keys().chain(self.ipv6.keys());
        names
            .next()
            .is_some_and(|first| names.any(|name| name != first))
    }
}

/// A default route of `/proc/net/route`: interface, destination, gateway, flags, two counters, metric,
/// mask.
fn ipv4_default(line: &str) -> Option<(String, u32)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [name, "00000000", _, flags, _, _, metric, "00000000", ..] = fields.as_slice() else {
        return None;
    };
    is_in_use(flags).then_some(((*name).to_owned(), metric.parse().ok()?))
}

/// A default route of `/proc/net/ipv6_route`: destination and its length, source and its length, next
/// hop, metric, two counters, flags, interface.
fn ipv6_default(line: &str) -> Option<(String, u32)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [_, "00", _, "00", _, metric, _, _, flags, name] = fields.as_slice() else {
        return None;
    };
    let metric = u32::from_str_radix(metric, 16).ok()?;
    is_in_use(flags).then_some(((*name).to_owned(), metric))
}

fn is_in_use(flags: &str) -> bool {
    u32::from_str_radix(flags, 16).is_ok_and(|flags| flags & (RTF_UP | RTF_REJECT) == RTF_UP)
}

/// The kind of an interface; wired if nothing is known.
pub(super) fn kind(interface: &str) -> Kind {
    let directory = Path::new(INTERFACES).join(interface);
    let described = fs::read_to_string(directory.join("uevent")).unwrap_or_default();
    let kind = described
        .lines()
        .find_map(|line| line.strip_prefix("DEVTYPE="));
    match kind {
        Some("wlan") => Kind::Wireless,
        Some("wwan" | "ppp") => Kind::Mobile,
        Some("wireguard") => Kind::Tunnel,
        Some("bridge") if !joins_a_device(&directory) => Kind::ContainerBridge,
        _ if directory.join("tun_flags").exists() => Kind::Tunnel,
        _ => Kind::Wired,
    }
}

fn joins_a_device(bridge: &Path) -> bool {
    let members = fs::read_dir(bridge.join("brif"));
    members.into_iter().flatten().flatten().any(|member| {
        let member = Path::new(INTERFACES).join(member.file_name());
        member.join("device").exists()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const IPV4: &str = "\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
wlan0\t0001A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0
wwan0\t00000000\t00000000\t0001\t0\t0\t700\t00000000\t0\t0\t0
eth0\t00000000\t00000000\t0201\t0\t0\t1\t00000000\t0\t0\t0
";
    const IPV6: &str = "\
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe80000000000000000000000000aaaa 00000064 00000001 00000000 00000003   wlan0
20010db8000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001   wlan0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200      lo
";

    #[test]
    fn default_routes_are_found_with_their_metric() {
        let routes = DefaultRoutes::parse(IPV4, IPV6);
        assert_eq!(routes.metric("wlan0", false), Some(600));
        assert_eq!(routes.metric("wlan0", true), Some(100));
        assert_eq!(routes.lowest_metric("wlan0"), Some(100));
        assert_eq!(routes.lowest_metric("wwan0"), Some(700));
        for refused in ["eth0", "lo"] {
            assert_eq!(routes.lowest_metric(refused), None, "{refused}");
        }
        assert!(routes.are_of_several_interfaces());
        assert!(!DefaultRoutes::parse("", IPV6).are_of_several_interfaces());
        assert!(!DefaultRoutes::parse("", "").are_of_several_interfaces());
    }

    #[test]
    fn a_line_that_is_cut_off_is_no_route() {
        for text in [IPV4, IPV6] {
            let line = text.lines().find(|line| line.contains("wlan0")).unwrap();
            for length in 0..line.len() - 40 {
                assert_eq!(ipv4_default(&line[..length.min(30)]), None);
                assert_eq!(ipv6_default(&line[..length]), None);
            }
        }
    }
}
