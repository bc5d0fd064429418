"""Which studies stay in memory: those used last, and none of a window that nobody has used for long."""

from __future__ import annotations

from typing import cast

import pytest

from app.sessions import IDLE_S, WINDOWS, SessionError, Sessions
from patchclip import Encoded

ENCODED = cast(Encoded, None)  # never looked into here


class Clock:
    """Seconds that a test moves on."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def opened(sessions: Sessions, window: str = "a") -> str:
    """The id of a study just opened."""
    return sessions.add(window, ENCODED, 1.0, synthetic=True).id


def there(sessions: Sessions, study: str, window: str = "a") -> bool:
    """Whether the study is in memory; asking counts as use."""
    try:
        return sessions.get(window, study).id == study
    except SessionError:
        return False


def test_the_study_that_was_unused_longest_makes_room() -> None:
    sessions = Sessions(2)
    first, second = opened(sessions), opened(sessions)
    assert there(sessions, first)
    third = opened(sessions)
    assert [there(sessions, study) for study in (first, second, third)] == [True, False, True]


def test_the_window_that_was_unused_longest_makes_room() -> None:
    sessions = Sessions(1)
    studies = {str(number): opened(sessions, str(number)) for number in range(WINDOWS)}
    assert there(sessions, studies["0"], "0")
    opened(sessions, "one more")
    assert there(sessions, studies["0"], "0")
    assert not there(sessions, studies["1"], "1")


def test_a_window_is_forgotten_after_a_working_day_without_use_and_kept_while_used() -> None:
    clock = Clock()
    sessions = Sessions(3, clock)
    idle, used = opened(sessions, "idle"), opened(sessions, "used")
    clock.now += 0.6 * IDLE_S
    assert there(sessions, used, "used")
    clock.now += 0.6 * IDLE_S
    assert there(sessions, used, "used")
    assert not there(sessions, idle, "idle")
    with pytest.raises(SessionError, match="idle for long"):
        sessions.get("idle", idle)
