"""How often sign-in may be tried, by a clock that is moved by hand."""

from __future__ import annotations

import pytest

from app.people import tries
from app.people.tries import TooManyTriesError, Tries, network_of


class Seconds:
    """Seconds that are set."""

    now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def test_after_so_many_failures_one_waits_until_the_oldest_is_past() -> None:
    clock = Seconds()
    limit = Tries(3, 900, clock)
    for moment in (0, 10, 20):
        clock.now = moment
        limit.begin("ada")
    clock.now = 30
    with pytest.raises(TooManyTriesError, match=r"again in 15 minutes\.") as refused:
        limit.begin("ada")
    assert refused.value.wait_s == 870
    limit.begin("ben")
    clock.now = 899.9
    with pytest.raises(TooManyTriesError, match=r"again in 1 minute\."):
        limit.begin("ada")
    clock.now = 900
    limit.begin("ada")
    with pytest.raises(TooManyTriesError):
        limit.begin("ada")


def test_a_refused_try_prolongs_nothing() -> None:
    clock = Seconds()
    limit = Tries(1, 60, clock)
    limit.begin("ada")
    for moment in range(1, 60):
        clock.now = moment
        with pytest.raises(TooManyTriesError):
            limit.begin("ada")
    clock.now = 60
    limit.begin("ada")


def test_what_did_not_fail_is_taken_back_or_forgotten() -> None:
    limit = Tries(2, 60, Seconds())
    for _ in range(10):
        limit.begin("ada")
        limit.take_back("ada")
    limit.begin("ada")
    limit.begin("ada")
    with pytest.raises(TooManyTriesError):
        limit.begin("ada")
    limit.forget("ada")
    limit.begin("ada")
    limit.take_back("nobody")
    limit.forget("nobody")


def test_memory_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tries, "MOST_KEYS", 5)
    limit = Tries(1, 60, Seconds())
    for number in range(20):
        limit.begin(f"name {number}")
    assert len(limit._times) == 5
    with pytest.raises(TooManyTriesError):
        limit.begin("name 19")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_an_ipv6_address_counts_as_its_network(address: str, network: str) -> None:
    assert network_of(address) == network
