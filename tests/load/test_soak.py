"""The soak in its short form: a real server, readers at once, nothing lost and nothing of anybody else's."""

from __future__ import annotations

import json
from pathlib import Path

from tests.load.soak import SoakPlan, soak, table


def test_a_short_soak_loses_and_crosses_nothing(tmp_path: Path) -> None:
    plan = SoakPlan(readers=6, minutes=0.3, pause_s=0.5, film_px=256, cases=6, browsers=0)
    result = soak(plan, tmp_path)
    assert result.failures == (), json.dumps(result.record, indent=1)
    record = result.record
    assert record["readings_acknowledged"] > record["of_which_in_the_study"] >= 6
    assert (record["readings_lost"], record["readings_doubled"], record["cross_talk"]) == (0, 0, 0)
    assert record["seconds"]["cached ask"]["n"] >= 12
    p95 = record["seconds"]["cached ask"]["p95"]
    assert f"| cached ask | {record['seconds']['cached ask']['n']} |" in table(record) and p95 < 1.0
    assert "| lost; doubled; cross-talk | 0; 0; 0 |" in table(record)
