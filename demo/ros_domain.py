"""A ROS domain that nobody on this machine uses, so that robots do not see each other."""

from __future__ import annotations

import random
import socket

# The ports of a domain start here, so far apart (the DDS interoperability specification, 9.6.1).
FIRST_PORT = 7400
PORTS_PER_DOMAIN = 250
# The first participant's port for discovery by unicast, counted from the domain's first.
UNICAST_OFFSET = 10
# Above it the ports run into those that Linux hands out.
LAST_SAFE_DOMAIN = 101


def free_domain(share: int = 0, shares: int = 1) -> int:
    """A domain without a participant at this moment, chosen at random.

    Processes that choose at the same time each take another share of the domains.
    """
    domains = list(range(1 + share, LAST_SAFE_DOMAIN + 1, shares))
    random.shuffle(domains)
    return next(domain for domain in domains if _is_free(domain))


def _is_free(domain: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("", FIRST_PORT + PORTS_PER_DOMAIN * domain + UNICAST_OFFSET))
        except OSError:
            return False
    return True
