"""The input in parts: the same files make the same parts, whatever was done before in which order."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from patchclip.batch.names import Namer
from patchclip.batch.units import Unit


@dataclass(frozen=True, slots=True)
class Part:
    """Units that are done and put in place together; `name` follows from their references."""

    name: str
    units: tuple[Unit, ...]


def parts_of(units: Sequence[Unit], namer: Namer, done: Collection[str], size: int) -> list[Part]:
    """The parts that are still to be done.

    Units are taken in the order of their places, `size` at a time. Of an input that has not changed, what is
    left after an interruption is whole parts and, at the end, a shorter one, so the same parts come out.

    Args:
        units: sorted by place.
        namer: of their references.
        done: references of units that are done.
        size: units of a part.
    """
    left = [unit for unit in units if namer.reference(unit.place) not in done]
    groups = [tuple(left[start : start + size]) for start in range(0, len(left), size)]
    return [Part(_name([namer.reference(unit.place) for unit in group]), group) for group in groups]


def _name(references: Sequence[str]) -> str:
    return f"part-{hashlib.sha256(''.join(references).encode()).hexdigest()[:16]}"
