"""Who reads which case when, in which arm, and which map is called what: all from the protocol's seed.

Arms: the cases are dealt into as many groups as there are arms. In period p reader r reads group g in arm
(g + p + r) modulo the number of arms: a Latin square (Fisher, The Design of Experiments, 1935), so that every
reader reads every case once in every arm, all cases in every period, and neither arms nor readers nor groups
come first more often than the numbers force.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.study.protocol import Protocol


@dataclass(frozen=True, slots=True)
class Planned:
    """One case for one reader in one arm.

    Attributes:
        reader: their name.
        case: the study's number of it.
        arm: of the protocol's.
        period: from 1.
        position: the reader's order within the period, from 1.
        maps: blinded name -> method; none in an arm without.
    """

    reader: str
    case: int
    arm: str
    period: int
    position: int
    maps: Mapping[str, str]


def numbering(count: int, protocol: Protocol) -> list[int]:
    """For each case in the given order its number, 1 to `count`.

    A folder may be sorted by diagnosis: its order must not show in the numbers, unless the protocol keeps it.
    """
    numbers = list(range(1, count + 1))
    if protocol.order != "given":
        _random(protocol.seed, "numbers").shuffle(numbers)
    return numbers


def plan(protocol: Protocol, readers: Sequence[str], cases: Sequence[int]) -> list[Planned]:
    """All assignments of a study; the same for the same protocol, readers and cases.

    readers: in the order that they were named in, by which they take turns at beginning with each arm.
    """
    arms = protocol.arms
    dealt = list(cases)
    _random(protocol.seed, "groups").shuffle(dealt)
    group_of = {case: place % len(arms) for place, case in enumerate(dealt)}
    planned: list[Planned] = []
    for turn, reader in enumerate(readers):
        for period in range(len(arms)):
            ordered = list(cases)
            if protocol.order != "given":
                _random(protocol.seed, "order", reader, period).shuffle(ordered)
            planned += [
                Planned(
                    reader=reader,
                    case=case,
                    arm=(arm := arms[(group_of[case] + period + turn) % len(arms)]),
                    period=period + 1,
                    position=position,
                    maps={} if arm == "unaided" else _blinded(protocol, reader, case),
                )
                for position, case in enumerate(ordered, start=1)
            ]
    return planned


def _blinded(protocol: Protocol, reader: str, case: int) -> dict[str, str]:
    """The same for a reader and a case in every arm."""
    methods = list(protocol.methods)
    _random(protocol.seed, "maps", reader, case).shuffle(methods)
    return dict(zip(protocol.maps, methods, strict=True))


def _random(*parts: object) -> random.Random:
    """Numbers that are the same for the same parts on every machine, and say nothing of one another."""
    seed = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return random.Random(int.from_bytes(seed, "big"))
