"""How often sign-in may be tried: by account and by address, in memory."""

from __future__ import annotations

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from threading import Lock

from patchclip import PatchClipError

MOST_KEYS = 10_000  # that are remembered; the one untouched longest goes first
NETWORK_BITS = 64  # of an IPv6 address: whoever has one has all that begin so


class TooManyTriesError(PatchClipError):
    """Over HTTP 429.

    wait_s: after how many seconds it may be tried again.
    """

    def __init__(self, wait_s: float) -> None:
        minutes = max(1, math.ceil(wait_s / 60))
        super().__init__(
            f"Too many tries to sign in have failed; try again in {minutes} minute{'s' * (minutes > 1)}."
        )
        self.wait_s = wait_s


class Tries:
    """So many failures within a time, for each key.

    A try counts from when it begins, so that many at once gain nothing.

    Args:
        most: failures within the window.
        window_s: its length.
        clock: seconds that only grow.
    """

    def __init__(self, most: int, window_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._window, self._clock = most, window_s, clock
        self._times: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = Lock()

    def begin(self, key: str) -> None:
        """Counts a try.

        Raises:
            TooManyTriesError: as many have failed as may; this one is not counted.
        """
        with self._lock:
            now = self._clock()
            times = self._times.setdefault(key, deque())
            self._times.move_to_end(key)
            while times and now - times[0] >= self._window:
                times.popleft()
            if len(times) >= self._most:
                raise TooManyTriesError(self._window - (now - times[0]))
            times.append(now)
            while len(self._times) > MOST_KEYS:
                self._times.popitem(last=False)

    def take_back(self, key: str) -> None:
        """The newest try of a key did not fail."""
        with self._lock:
            if self._times.get(key):
                self._times[key].pop()

    def forget(self, key: str) -> None:
        """Somebody has shown that the account is theirs."""
        with self._lock:
            self._times.pop(key, None)


def network_of(address: str) -> str:
    """What an address is counted by: itself, or of IPv6 the network."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(IPv6Address(int(parsed) >> NETWORK_BITS << NETWORK_BITS))
    return str(parsed)
