"""Names of people: how they are written, and when two are the same."""

from __future__ import annotations

import unicodedata

from patchclip import PatchClipError

LONGEST = 80  # characters, as the column of readings has it


class WrongNameError(PatchClipError):
    """A name that cannot be one."""


def written(name: str) -> str:
    """A name as it is stored: one space between words (Unicode NFKC).

    Raises:
        WrongNameError: it is empty, too long, or has signs that cannot be seen.
    """
    if any("\ud800" <= sign <= "\udfff" for sign in name):
        raise WrongNameError("The name holds half of a character; type it again.")
    text = " ".join(unicodedata.normalize("NFKC", name).split())
    if not text:
        raise WrongNameError("The name is empty; give one.")
    if len(text) > LONGEST:
        raise WrongNameError(f"The name has {len(text)} characters and the limit is {LONGEST}; shorten it.")
    if any(unicodedata.category(sign).startswith("C") for sign in text):
        raise WrongNameError("The name holds signs that cannot be seen; type it again without them.")
    return text


def folded(name: str) -> str:
    """The form in which names are compared, without regard to case (Unicode 3.13: NFKC, case folding)."""
    return unicodedata.normalize("NFKC", " ".join(unicodedata.normalize("NFKC", name).split()).casefold())
