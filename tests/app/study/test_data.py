"""Flat records of a study."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.study.data import Mark


@pytest.mark.parametrize(
    ("presence", "confidence", "score"),
    [
        ("present", 80, 90.0),
        ("present", 0, 50.0),
        ("present", None, 100.0),
        ("absent", 80, 10.0),
        ("absent", None, 0.0),
        ("unsure", None, 50.0),
        ("unsure", 90, 50.0),
    ],
)
def test_the_score_grows_with_the_belief_that_the_finding_is_there(
    presence: str, confidence: int | None, score: float
) -> None:
    mark = Mark("A", 1, "unaided", "first", "Effusion", presence, confidence, (), {}, 4.0, datetime.now(UTC))
    assert mark.score == score
