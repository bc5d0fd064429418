"""Which studies stay in memory: those used last, and none of a browser that nobody has used for long."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from app.film import PackedFilm
from app.replies import FilmReply
from app.sessions import BROWSERS, IDLE_S, ForgottenError, SessionError, Sessions, bytes_of
from patchclip import Encoded, Engine, PatchMap

ENCODED = cast(Encoded, None)  # never looked into here
ENGINE = cast(Engine, None)
MUCH = 10**9


class Clock:
    """Seconds that a test moves on."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def opened(sessions: Sessions, window: str = "a:1", size: int = 100) -> str:
    """The id of a study just opened, of so many bytes."""
    return sessions.add(
        window, ENGINE, ENCODED, 1.0, synthetic=True, film=PackedFilm(cast(FilmReply, None), b"x" * size)
    ).id


def there(sessions: Sessions, study: str, window: str = "a:1") -> bool:
    """Whether the study is in memory; asking counts as use."""
    try:
        return sessions.get(window, study).id == study
    except ForgottenError:
        return False


def test_the_study_that_was_unused_longest_makes_room_whosever_it_is() -> None:
    sessions = Sessions(250)
    first, second = opened(sessions), opened(sessions, "b:1")
    assert there(sessions, first)
    third = opened(sessions)
    assert [there(sessions, study) for study in (first, third)] == [True, True]
    assert not there(sessions, second, "b:1")


def test_the_study_opened_last_stays_however_large_it_is() -> None:
    sessions = Sessions(250)
    small, large = opened(sessions), opened(sessions, size=1000)
    assert [there(sessions, study) for study in (small, large)] == [False, True]
    opened(sessions)
    assert not there(sessions, large)


def test_a_study_weighs_what_its_arrays_and_pictures_do() -> None:
    patch_map = PatchMap(np.zeros((4, 5), np.float32), (0, 0, 1, 1))
    assert bytes_of(patch_map) == 80
    sessions = Sessions(MUCH)
    study = sessions.add(
        "a:1",
        ENGINE,
        cast(Encoded, patch_map),
        1.0,
        synthetic=True,
        film=PackedFilm(cast(FilmReply, None), b"xx"),
        thumbnail="x",
    )
    assert study.size_bytes == 83


def test_ids_are_long_and_never_the_same() -> None:
    sessions = Sessions(MUCH)
    ids = {opened(sessions) for _ in range(100)}
    assert len(ids) == 100
    assert min(len(study) for study in ids) >= 22  # 128 bits, six to a sign


def test_windows_of_one_browser_share_studies_and_those_of_others_do_not() -> None:
    sessions = Sessions(MUCH)
    study = opened(sessions, "a:1")
    assert there(sessions, study, "a:2")
    assert not there(sessions, study, "b:1")
    sessions.close("b:1", study)
    sessions.close("a:1", study)
    assert there(sessions, study, "a:2")
    sessions.close("a:2", study)
    assert not there(sessions, study, "a:2")


def test_the_browser_that_was_unused_longest_makes_room() -> None:
    sessions = Sessions(MUCH)
    windows = [f"{number}:1" for number in range(BROWSERS)]
    studies = [opened(sessions, window) for window in windows]
    assert there(sessions, studies[0], windows[0])
    opened(sessions, "one more:1")
    assert there(sessions, studies[0], windows[0])
    assert not there(sessions, studies[1], windows[1])


def test_a_browser_is_forgotten_after_a_working_day_without_use_and_kept_while_used() -> None:
    clock = Clock()
    sessions = Sessions(MUCH, clock)
    idle, used = opened(sessions, "idle:1"), opened(sessions, "used:1")
    clock.now += 0.6 * IDLE_S
    assert there(sessions, used, "used:1")
    clock.now += 0.6 * IDLE_S
    assert there(sessions, used, "used:1")
    assert not there(sessions, idle, "idle:1")
    with pytest.raises(ForgottenError, match="idle for long"):
        sessions.get("idle:1", idle)


def test_no_study_is_a_sentence_of_its_own() -> None:
    with pytest.raises(SessionError, match="No radiograph is open"):
        Sessions(MUCH).get("a:1", "")
