"""The answers on one radiograph, with the model that gave them: what every exported form is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from patchclip.encoded import Encoded
from patchclip.engine import Engine
from patchclip.errors import QueryError
from patchclip.execution import Computation
from patchclip.image.radiograph import INVERTED_BY_READER, HeaderFacts
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
        execution: how they were computed.
        picture: how the picture was read from its file, where a reader can choose: the name of the header's
            "window", and "polarity" where black and white were exchanged.
    """

    answers: tuple[Answer, ...]
    size: tuple[int, int]
    model_name: str
    model_sha256: str
    warnings: tuple[str, ...]
    execution: Computation
    picture: Mapping[str, str] = field(default_factory=dict)

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
        warnings = (*encoded.warnings, *left_out)
        return cls(
            tested,
            encoded.size,
            engine.name,
            engine.sha256,
            warnings,
            engine.computation,
            _picture(encoded.facts, encoded.warnings),
        )

    def parameters(self, answer: Answer) -> dict[str, str]:
        """What an answer depends on beside the model, by name, as records of the algorithm take it: the
        query, the map's threshold, each fact of `execution`, and how the picture was read."""
        computed = self.execution.to_dict() | {"mirror": str(self.execution.mirror).lower()}
        return {
            "query": answer.query,
            "threshold": f"{answer.threshold:g}",
            **{name: str(value) for name, value in computed.items()},
            **self.picture,
        }


def _picture(facts: HeaderFacts, warnings: Sequence[str]) -> dict[str, str]:
    picture = {} if facts.window is None else {"window": facts.windows[facts.window]}
    if INVERTED_BY_READER in warnings:
        picture["polarity"] = "black and white exchanged by the reader"
    return picture
