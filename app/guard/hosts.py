"""By which names the server answers, and from which pages: its own alone."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

ALL_ADDRESSES = ("0.0.0.0", "::", "")
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
DEFAULT_PORTS = {"http": 80, "https": 443}


class Hosts:
    """The names that a request may give in its Host header.

    They are the address listened on, this machine's own names where that address is one of them or stands
    for all, and what the deployer adds; so a name of an attacker's that is made to lead to this machine
    (DNS rebinding) is not among them.

    Args:
        bound: the address listened on.
        names: what the deployer adds, without ports.
    """

    def __init__(self, bound: str, names: Iterable[str] = ()) -> None:
        self._any = bound in ALL_ADDRESSES
        self._names = {_plain(bound), *(_plain(name) for name in names)}
        if self._any or _plain(bound) in LOOPBACK:
            self._names |= LOOPBACK

    def allows(self, host: str, arrived_at: str | None = None) -> bool:
        """Whether the server answers to a Host header.

        arrived_at: the address of this machine that the connection came in at; where all addresses are
        listened on, it is allowed too.
        """
        name = _hostname(host)
        if name is None:
            return False
        return name in self._names or (self._any and _is_address(name) and name == arrived_at)


def own_address(bound: str, port: int) -> str:
    """The URL by which this machine reaches a server: localhost where it listens on all addresses, none of
    which is one to go to.

    bound: the address listened on.
    """
    name = "localhost" if bound in ALL_ADDRESSES else f"[{bound}]" if ":" in bound else bound
    return f"http://{name}:{port}"


def same_origin(origin: str, host: str) -> bool:
    """Whether an Origin header (RFC 6454) names the very host and port that a request was sent to."""
    try:
        page, server = urlsplit(origin), urlsplit(f"//{host}")
        default = DEFAULT_PORTS.get(page.scheme)
        if default is None or page.hostname is None:
            return False
        return page.hostname == server.hostname and (page.port or default) == (server.port or default)
    except ValueError:
        return False


def _hostname(host: str) -> str | None:
    try:
        parts = urlsplit(f"//{host}")
        port = parts.port  # raises where it is no number
    except ValueError:
        return None
    if parts.username is not None or parts.path or parts.query or parts.fragment or port == 0:
        return None
    return parts.hostname


def _plain(name: str) -> str:
    return name.strip("[]").lower()


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
