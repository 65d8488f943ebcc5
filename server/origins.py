"""Which hosts this server answers to, and which pages may make it do things.

A page of another site can reach a server on localhost: directly (cross-site request forgery, and WebSockets,
which CORS never covers), or by pointing its own name at 127.0.0.1 (DNS rebinding). The first is told by
Sec-Fetch-Site and Origin, as in Go 1.25's CrossOriginProtection; the second by the Host header.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
DEFAULT_PORTS = {"http": 80, "https": 443}
HeaderList = Iterable[tuple[bytes, bytes]]


def header_values(headers: HeaderList, name: bytes) -> list[str]:
    """All values of a header, in order."""
    return [value.decode("latin-1") for key, value in headers if key.lower() == name]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    return host in LOOPBACK_NAMES or _is_ip(host, loopback=True)


def host_is_allowed(headers: HeaderList, allowed: Iterable[str], *, allow_addresses: bool) -> bool:
    """Exactly one Host header that names this server. A numeric address cannot be rebound, so it may do."""
    hosts = header_values(headers, b"host")
    if len(hosts) != 1 or (name := _host_and_port(f"//{hosts[0]}")) is None:
        return False
    return name[0] in {host.lower() for host in allowed} or (allow_addresses and _is_ip(name[0]))


def may_change_things(headers: HeaderList) -> bool:
    """For unsafe methods: false where a browser says that another site's page sends this."""
    sites = header_values(headers, b"sec-fetch-site")
    if any(site not in ("same-origin", "none") for site in sites):
        return False
    return not header_values(headers, b"origin") or comes_from_own_page(headers)


def comes_from_own_page(headers: HeaderList) -> bool:
    """Whether Origin is there and is the origin this request was sent to."""
    origins, hosts = header_values(headers, b"origin"), header_values(headers, b"host")
    if len(origins) != 1 or len(hosts) != 1:
        return False
    scheme = urlsplit(origins[0]).scheme
    if scheme not in DEFAULT_PORTS:
        return False
    origin = _host_and_port(origins[0], DEFAULT_PORTS[scheme])
    return origin is not None and origin == _host_and_port(f"//{hosts[0]}", DEFAULT_PORTS[scheme])


def _host_and_port(url: str, default_port: int | None = None) -> tuple[str, int | None] | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname or parts.path or parts.query or parts.fragment or parts.username is not None:
        return None
    return parts.hostname, default_port if port is None else port


def _is_ip(host: str, *, loopback: bool = False) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback if loopback else True
