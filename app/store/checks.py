"""What a judgement must be to be saved: complete, inside its image, and free of contradictions."""

from __future__ import annotations

from app.store.errors import StoreError
from app.store.reading import NamedFinding, NewFeedback, Outline
from patchclip import Answer
from patchclip.types import Box

LONGEST_COMMENT, LONGEST_NAME, LONGEST_FINDING = 2000, 80, 200
PRESENCE, LOCATION = ("present", "absent", "unsure"), ("correct", "partly", "wrong")
HALF_A_PIXEL = 0.5  # boxes are drawn on a scaled image
CORNERS = {"point": (1, 1), "polygon": (3, 200)}  # least and most


def check(new: NewFeedback) -> None:
    """Whether a judgement may be saved.

    Raises:
        StoreError: it may not; says why, and what to do.
    """
    if isinstance(new.answer, NamedFinding):
        _check_finding(new.answer.finding)
    elif not new.answer.in_vocabulary:
        raise StoreError(
            f'"{new.answer.finding}" is far from what this model has learnt, so there is no prediction to '
            "judge; choose another answer before saving."
        )
    if new.presence not in PRESENCE:
        raise StoreError("Say whether the finding is present, absent or unsure before saving.")
    if new.confidence is not None and not 0 <= new.confidence <= 100:
        raise StoreError("The confidence must be from 0 to 100; correct it, or leave it open.")
    _check_words(new)
    _check_shapes(new)
    _check_map(new)


def _check_finding(finding: str) -> None:
    if not finding.strip():
        raise StoreError("Name the finding that you read, or ask a question, before saving.")
    if len(finding) > LONGEST_FINDING:
        raise StoreError(f"The finding has more than {LONGEST_FINDING} characters; shorten it.")


def _check_words(new: NewFeedback) -> None:
    if not new.reader.strip():
        raise StoreError("Type your name or initials as reader before saving.")
    if len(new.reader.strip()) > LONGEST_NAME:
        raise StoreError(f"The reader's name has more than {LONGEST_NAME} characters; shorten it.")
    length = len(new.comment.strip())
    if length > LONGEST_COMMENT:
        raise StoreError(
            f"The comment has {length} characters and the limit is {LONGEST_COMMENT}; shorten it."
        )
    typed = new.reader + new.comment + new.answer.finding + new.query
    if "\0" in typed:
        raise StoreError("The text holds a sign that cannot be seen (NUL); type it again, then save.")
    if any("\ud800" <= sign <= "\udfff" for sign in typed):
        raise StoreError("The text holds half of a character, such as a cut emoji; delete it, then save.")


def _check_shapes(new: NewFeedback) -> None:
    if not all(_box_inside(box, new.image_size) for box in new.boxes):
        raise StoreError("A box lies outside the image; delete it and draw it again.")
    for outline in new.outlines:
        least, most = CORNERS[outline.kind]
        if not least <= len(outline.points) <= most:
            raise StoreError(f"A {outline.kind} has {least} to {most} corners; draw it again.")
        if not _outline_inside(outline, new.image_size):
            raise StoreError(f"A {outline.kind} lies outside the image; delete it and draw it again.")
    drawn = len(new.boxes) + len(new.outlines)
    if drawn and new.presence == "absent":
        raise StoreError(
            f"The finding is called absent, yet {drawn} outline{'s are' if drawn > 1 else ' is'} drawn; "
            "remove what is drawn, or say present or unsure."
        )


def _box_inside(box: Box, size: tuple[int, int]) -> bool:
    height, width = size
    inside = min(box.x, box.y) >= -HALF_A_PIXEL and (
        box.x + box.w <= width + HALF_A_PIXEL and box.y + box.h <= height + HALF_A_PIXEL
    )
    return box.w > 0 and box.h > 0 and inside


def _outline_inside(outline: Outline, size: tuple[int, int]) -> bool:
    height, width = size
    return all(
        -HALF_A_PIXEL <= x <= width + HALF_A_PIXEL and -HALF_A_PIXEL <= y <= height + HALF_A_PIXEL
        for x, y in outline.points
    )


def _check_map(new: NewFeedback) -> None:
    """A map can be judged if it was shown, and is not correct where it says another thing than the reader."""
    if new.location is None:
        return
    if new.location not in LOCATION:
        raise StoreError("The map is correct, partly correct or wrong; choose one of them or leave it open.")
    if not (isinstance(new.answer, Answer) and new.map_shown):
        raise StoreError("The map was not shown, so it cannot be judged; look at it first, or leave it open.")
    if new.location != "correct" or new.presence == "unsure":
        return
    lit = bool(new.answer.regions) if new.regions_shown is None else new.regions_shown > 0
    if lit and new.presence == "absent":
        raise StoreError(
            "The map is lit where the finding is called absent, so it cannot be correct; "
            "call it wrong, or leave it open."
        )
    if not lit and new.presence == "present":
        raise StoreError(
            "The map is dark where the finding is called present, so it cannot be correct; "
            "call it wrong, or leave it open."
        )
