"""What became of every word of a text, for the page to show: used, corrected, passed over, or struck out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from patchclip.text.assertion import Assertion
from patchclip.text.language import word_lists
from patchclip.text.statements import Statement
from patchclip.text.tokens import Token

Role = Literal["used", "corrected", "passed over", "struck out"]


@dataclass(frozen=True, slots=True)
class Echo:
    """One word or mark of a text.

    Attributes:
        start: of the word in the text.
        stop: one past its end.
        role: "used" for a finding, its assertion or its place; "corrected" where that took another spelling;
            "passed over" for words that carry no finding and for marks; "struck out" for words that were not
            understood or are not answered.
        became: the words that it was read as.
        assertion: of the finding that it names, places or speaks of; None where it was not used.
    """

    start: int
    stop: int
    role: Role
    became: str
    assertion: Assertion | None = None


def echo_of(tokens: Sequence[Token], statements: Sequence[Statement]) -> tuple[Echo, ...]:
    """One entry for each place of the text; the tokens of an abbreviation share theirs.

    Args:
        tokens: of the whole text.
        statements: those that are answered.
    """
    lists = word_lists()
    plain = lists.function | lists.degree | lists.fillers | lists.describing
    spots: dict[tuple[int, int], list[Token]] = {}
    for token in tokens:
        spots.setdefault((token.start, token.stop), []).append(token)
    use: dict[tuple[int, int], Assertion] = {}
    for statement in statements:
        for token in statement.tokens:
            use.setdefault((token.start, token.stop), statement.asserted.assertion)
    entries: list[Echo] = []
    for (start, stop), parts in spots.items():
        if entries and stop <= entries[-1].stop:
            continue  # inside a phrase that was translated as one
        became = " ".join(part.word for part in parts)
        role: Role = "struck out"
        if any(part.corrected for part in parts) and (start, stop) in use:
            role = "corrected"
        elif (start, stop) in use:
            role = "used"
        elif all(not part.is_word or part.word in plain for part in parts):
            role = "passed over"
        entries.append(Echo(start, stop, role, became, use.get((start, stop))))
    return tuple(entries)
