"""The answers on one radiograph, with the model that gave them: what every exported form is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from patchclip.encoded import Encoded
from patchclip.engine import Engine
from patchclip.errors import QueryError
from patchclip.types import Answer

NOTICE = "Research use only, not for clinical use"


@dataclass(frozen=True, slots=True)
class Result:
    """What a model said of a radiograph.

    Attributes:
        answers: in the order asked; only those within what the model has learnt.
        size: (H, W) of the radiograph that was read, in pixels; maps and regions are in its coordinates.
        model_name, model_sha256: who answered.
        warnings: about the image, for the reader.
    """

    answers: tuple[Answer, ...]
    size: tuple[int, int]
    model_name: str
    model_sha256: str
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, engine: Engine, encoded: Encoded, texts: Sequence[str]) -> Result:
        """Asks an engine.

        Raises:
            QueryError: no query lies within what the model has learnt, so there is nothing to put on record.
        """
        answers = engine.query(encoded, texts)
        return cls.of_answers(engine, encoded, answers)

    @classmethod
    def of_answers(cls, engine: Engine, encoded: Encoded, answers: Sequence[Answer]) -> Result:
        """From answers that an engine already gave. An untested answer never becomes a record of a finding.

        Raises:
            QueryError: see `of`.
        """
        tested = tuple(answer for answer in answers if answer.in_vocabulary)
        if not tested:
            raise QueryError(
                "None of the queries is near what the model has learnt, so there is nothing to export."
            )
        left_out = [
            f'"{answer.query}" is outside of what the model has learnt; it was not exported.'
            for answer in answers
            if not answer.in_vocabulary
        ]
        return cls(tested, encoded.size, engine.name, engine.sha256, (*encoded.warnings, *left_out))
