"""Words of size in a search: no model here measures a finding, so they order hits by how much of the map is
lit, and say so; or they are said to be unused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from patchclip.engine import Engine
from patchclip.question import Question
from patchclip.text.echo import Echo
from patchclip.text.language import word_lists
from patchclip.types import Answer

LARGE = frozenset("large big huge massive massively extensive sizeable sizable".split())
SMALL = frozenset("small tiny trace minimal little".split())
"""In English, which a text is translated to."""


@dataclass(frozen=True, slots=True)
class Size:
    """What a text says of a finding's size.

    Attributes:
        wanted: which hits come first.
        words: as typed.
    """

    wanted: Literal["large", "small"]
    words: tuple[str, ...]

    def key(self, answer: Answer) -> tuple[float, ...]:
        """Sorts hits: those at or above the operating point first, by the lit share of their map (a dark map
        last, since nothing of it tells a size); then the others. Equal ones keep their order."""
        if not self.orders(answer):
            return (1.0, 0.0, 0.0)
        share = lit_share(answer)
        return (0.0, float(share == 0), -share if self.wanted == "large" else share)

    def orders(self, answer: Answer) -> bool:
        """Whether an answer is at its operating point or above, so that the size says where it stands."""
        return not self.cannot_order(answer.require_probability(), answer)

    def cannot_order(self, probability: float, answer: Answer) -> bool:
        """Whether an image of that probability is below the operating point of an answer to the same."""
        point = answer.operating_point
        return point is None or probability < point.threshold


def left_over(engine: Engine, text: str) -> list[Echo]:
    """The words and marks of a text from which no answer follows.

    Raises:
        QueryError: see `Engine.read`.
    """
    return [item for item in engine.read(text).echo if item.role in ("passed over", "struck out")]


def size_of(text: str, left: Sequence[Echo], questions: Sequence[Question]) -> Size | None:
    """The size that a text asks for.

    Args:
        text: as typed.
        left: of it, see `left_over`.
        questions: that it asks.

    Returns:
        None where it says none, or one that cannot order hits: of several findings, of an absence, or both
        large and small; its words are then among those of `unused_words`.
    """
    if len(questions) != 1 or questions[0].query.negated:
        return None
    large = [item for item in left if item.became in LARGE]
    small = [item for item in left if item.became in SMALL]
    if bool(large) == bool(small) or any(item.became in ("not", "no") for item in left):
        return None
    words = tuple(dict.fromkeys(text[item.start : item.stop] for item in large or small))
    return Size("large" if large else "small", words)


def unused_words(text: str, left: Sequence[Echo], size: Size | None) -> tuple[str, ...]:
    """Words of a text, as typed, that neither the answers nor the order of hits follow from."""
    plain = word_lists().function | word_lists().fillers  # words that say nothing
    told = (item for item in left if item.role != "passed over" or item.became not in plain)
    words = (text[item.start : item.stop] for item in told)
    used = size.words if size else ()
    return tuple(dict.fromkeys(word for word in words if word not in used and any(map(str.isalnum, word))))


def lit_share(answer: Answer) -> float:
    """The share of the map's patches that are lit, in [0, 1]."""
    return float((answer.map.values >= answer.threshold).mean())
