"""Three witnesses of the patient's sides compared: which side answers follow, and what the reader is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from patchclip.types import Laterality

CONTRADICTORY = (
    "The header contradicts itself about the patient's sides; "
    "sides in answers follow its Patient Orientation."
)


@dataclass(frozen=True, slots=True)
class HeaderSides:
    """What a header says.

    Attributes:
        patient_left: the side of the image on which the patient's left lies, None where the header does not
            say.
        contradictory: whether two of its elements differ about that.
        flipped: whether it says that pixels were turned left to right after exposure.
        comparable: whether letters and heart can be asked: an upright frontal view of both halves, as far as
            the header says.
    """

    patient_left: Laterality | None = None
    contradictory: bool = False
    flipped: bool = False
    comparable: bool = True


@dataclass(frozen=True, slots=True)
class LetterSides:
    """What side letters in the picture say.

    Attributes:
        patient_left: the side of the image on which they put the patient's left, None where there are none
            or they differ.
        mirrored: whether one of them is shaped like a mirrored letter.
    """

    patient_left: Laterality | None = None
    mirrored: bool = False


@dataclass(frozen=True, slots=True)
class Sides:
    """The verdict.

    Attributes:
        patient_left: the side of the image on which the patient's left is taken to lie.
        source: what was followed; "display" is the usual one, where nothing else tells.
        warnings: sentences for the reader; empty where no witness speaks against another or against the
            usual display.
    """

    patient_left: Laterality
    source: Literal["header", "letters", "display"]
    warnings: tuple[str, ...] = ()


def compare_sides(header: HeaderSides, letters: LetterSides, heart: Laterality | None) -> Sides:
    """The header decides where it says anything.

    Else letters against the usual display are followed where something speaks for them: the heart, or their
    own mirrored shape unless the heart speaks against it. The heart alone decides nothing, for situs
    inversus and displacement look like a mirrored film.

    Args:
        header: of a file without one: `HeaderSides()`.
        letters: of a picture without any: `LetterSides()`.
        heart: the side of the image at which the heart lies; the patient's left, as a rule. None where that
            cannot be told.
    """
    told = [CONTRADICTORY] if header.contradictory else []
    taken, source = _taken(header, letters, heart)
    if not header.comparable:
        return Sides(taken, source, tuple(told))

    letter = "a mirrored side letter" if letters.mirrored else "a side letter"
    witnesses: list[tuple[str, Laterality | None]] = [
        ("the header", header.patient_left),
        (letter, letters.patient_left),
        ("the heart", heart),
    ]
    for_it = [name for name, side in witnesses if side == taken]
    against = [name for name, side in witnesses if side not in (None, taken)]
    other: Laterality = "left" if taken == "right" else "right"
    if against:
        verb = "puts" if len(against) == 1 else "put"
        but = f", but {_joined(for_it)} at the {taken}" if for_it else ""
        told.append(
            f"{_joined(against).capitalize()} {verb} the patient's left at the {other} of the image{but}: "
            f"{_guess(header, letters, heart, taken)}; sides in answers follow {_SOURCES[source]}, "
            f"the patient's left at the {taken} of the image."
        )
    elif source == "letters":
        subject = _joined(for_it).capitalize()
        told.append(
            f"{subject} {'puts' if len(for_it) == 1 else 'put'} the patient's left at the {taken} of the "
            f"image: the film seems to be mirrored; sides in answers follow {_SOURCES[source]}."
        )
    return Sides(taken, source, tuple(told))


_SOURCES = {"header": "the header", "letters": "the side letter", "display": "the usual display"}


def _taken(
    header: HeaderSides, letters: LetterSides, heart: Laterality | None
) -> tuple[Laterality, Literal["header", "letters", "display"]]:
    if header.patient_left:
        return header.patient_left, "header"
    supported = heart == "left" or (letters.mirrored and heart is None)
    if header.comparable and letters.patient_left == "left" and supported:
        return "left", "letters"
    return "right", "display"


def _guess(header: HeaderSides, letters: LetterSides, heart: Laterality | None, taken: Laterality) -> str:
    """What may be the matter where a witness speaks against the side that is taken."""
    flipped = ", and the header says that it was turned after exposure" if header.flipped else ""
    heart_against = heart not in (None, taken)
    if letters.patient_left not in (None, taken):
        if heart_against:
            return f"the film seems to be mirrored or its header wrong{flipped}"
        return f"the film may be mirrored, or the letter misplaced or misread{flipped}"
    if letters.patient_left == taken:
        return f"situs inversus, or a heart that is displaced{flipped}"
    header_wrong = " a wrong header," if header.patient_left else ""
    return f"a mirrored film,{header_wrong} situs inversus or a displaced heart{flipped}"


def _joined(names: list[str]) -> str:
    return " and ".join(names)
