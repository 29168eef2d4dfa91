"""Under which names and addresses this machine can be asked for."""

import ipaddress
import socket


def names(host: str) -> list[str]:
    """All of them, when it listens on `host`."""
    found = {"localhost", "127.0.0.1", "::1", host, socket.gethostname(), *addresses()}
    return sorted(found - {"", "0.0.0.0", "::"})


def reachable(host: str) -> str:
    """One of them that other machines can open: `host` itself, unless it stands for every network."""
    if host not in ("0.0.0.0", "::"):
        return host
    version = ipaddress.ip_address(host).version
    fitting = (found for found in addresses() if ipaddress.ip_address(found).version == version)
    return next(fitting, socket.gethostname())


def addresses() -> list[str]:
    """This machine's own in its network, as far as they can be told."""
    found = []
    for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:  # sends nothing
                probe.connect((far, 9))
                found.append(probe.getsockname()[0])
        except OSError:
            continue
    return found
