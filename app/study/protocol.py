"""A study's protocol: a TOML file, checked strictly, every fault one sentence."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from app.study.errors import ProtocolError
from patchclip.saliency import SALIENCY
from patchclip.saliency.registry import TWIN
from patchclip.text import Vocabulary

Arm = Literal["unaided", "aided", "sequential"]
PATCH = "patch"
"""The model's own map; every other method is a key of `patchclip.saliency.SALIENCY`."""
WITH_ANSWERS: tuple[Arm, ...] = ("aided", "sequential")
PLAIN_NAMES = {key.replace("_", ""): key for key in SALIENCY}  # "gradcam" is "grad_cam"
SEE = "app/README.md shows a whole protocol"
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Protocol(BaseModel):
    """How a study is read; the keys of its TOML file.

    Attributes:
        title: what readers see.
        findings: labels of the model's vocabulary; a file may have their names instead.
        arms: each case is read once in each; two or more make a crossover.
        maps: blinded name -> method.
        seed: of the order of cases and of which method is called what.
        washout_days: from the end of a reader's period to the beginning of their next.
        confidence: whether a reader says how sure they are, from 0 to 100.
        boxes: whether findings may be outlined.
        order: "random" is seeded per reader; "uncertain" has the cases first that the model is unsure of or
            the readers dispute; "given" is the order of the folder or manifest.
        probability: whether the model's probabilities are shown with its maps.
        saliency_cut: share of its maximum from which a saliency map is called lit; the patch map has the
            model's own threshold.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    title: Words
    findings: Annotated[list[Words], Field(min_length=1, max_length=20)]
    arms: Annotated[list[Arm], Field(min_length=1, max_length=3)]
    maps: dict[Annotated[str, StringConstraints(pattern="^[A-Z]$")], Words] = Field(default_factory=dict)
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    washout_days: Annotated[int, Field(ge=0, le=3650)] = 0
    confidence: bool = True
    boxes: Literal["none", "optional"] = "optional"
    order: Literal["random", "uncertain", "given"] = "random"
    probability: bool = True
    saliency_cut: Annotated[float, Field(gt=0, lt=1)] = 0.5

    @field_validator("arms")
    @classmethod
    def _arms_once(cls, arms: list[Arm]) -> list[Arm]:
        if len(set(arms)) < len(arms):
            raise ValueError("it names an arm twice")
        return arms

    @field_validator("maps")
    @classmethod
    def _methods(cls, maps: dict[str, str]) -> dict[str, str]:
        methods = {name: method_of(method) for name, method in maps.items()}
        if len(set(methods.values())) < len(methods):
            raise ValueError("it has one method under two names")
        return dict(sorted(methods.items()))

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods of its maps, in the order of their blinded names."""
        return tuple(self.maps.values())

    @property
    def shows_answers(self) -> bool:
        """Whether any of its arms shows what the model says."""
        return any(arm in WITH_ANSWERS for arm in self.arms)


@dataclass(frozen=True, slots=True)
class ProtocolFile:
    """A protocol, and the text that it was read from.

    Attributes:
        protocol: with labels for findings and keys for methods.
        text: as it was written.
    """

    protocol: Protocol
    text: str

    @property
    def sha256(self) -> str:
        """Of the text as UTF-8."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def method_of(name: str) -> str:
    """The key of a method: "patch", a saliency method, or one of the twin's.

    Raises:
        ValueError: there is none of that name.
    """
    twin = TWIN if name.startswith(TWIN) else ""
    key = name.removeprefix(TWIN)
    key = PLAIN_NAMES.get(key.replace("_", ""), key)
    if key not in SALIENCY and not (key == PATCH and not twin):
        raise ValueError(f'"{name[:60]}" is no method; there are {PATCH}, {", ".join(SALIENCY)}')
    return twin + key


def read_protocol(text: str, vocabulary: Vocabulary | None = None) -> ProtocolFile:
    """A protocol from its TOML text.

    vocabulary: by which findings are understood; None to take them as they stand.

    Raises:
        ProtocolError: it is no TOML, lacks a key, or has one that is unknown or makes no sense.
    """
    try:
        protocol = Protocol.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ProtocolError(f"The protocol is no TOML ({error}); correct it ({SEE}).") from error
    except ValidationError as error:
        raise ProtocolError(_sentence(error)) from error
    if vocabulary is not None:
        protocol = protocol.model_copy(update={"findings": _labels(protocol.findings, vocabulary)})
    if protocol.maps and not protocol.shows_answers:
        raise ProtocolError(
            "The protocol names maps, but its arms show none; add the arm aided or sequential, or leave out "
            "maps."
        )
    return ProtocolFile(protocol, text)


@lru_cache(maxsize=128)
def stored_protocol(text: str) -> Protocol:
    """The protocol of a stored study, with its findings as they were written, for the study has their
    labels."""
    return read_protocol(text).protocol


def _labels(findings: list[str], vocabulary: Vocabulary) -> list[str]:
    label_of = labels_by_name(vocabulary)
    unknown = [name for name in findings if name.lower() not in label_of]
    if unknown:
        raise ProtocolError(
            f'The protocol asks for "{unknown[0]}", which is no finding of the model; it knows '
            f"{', '.join(vocabulary.labels)}."
        )
    labels = [label_of[name.lower()] for name in findings]
    if len(set(labels)) < len(labels):
        raise ProtocolError("The protocol asks for a finding twice; name each once.")
    return labels


def labels_by_name(vocabulary: Vocabulary) -> Mapping[str, str]:
    """Name or label in small letters -> label."""
    return {
        name.lower(): finding.label
        for finding in vocabulary.findings
        for name in (finding.label, finding.name)
    }


SENTENCES: Mapping[str, Callable[[str, Mapping[str, Any]], str]] = {
    "extra_forbidden": lambda key, _: f'The protocol has a key "{key[:60]}" that is unknown; leave it out',
    "missing": lambda key, _: f"The protocol lacks {key}; add it",
}


def _sentence(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    key = ".".join(str(part) for part in problem["loc"])
    said = SENTENCES.get(problem["type"])
    if said is not None:
        return f"{said(key, problem)} ({SEE})."
    reason = problem["msg"].removeprefix("Value error, ")
    return f"The protocol's {key} cannot be used ({reason[0].lower()}{reason[1:]}); correct it ({SEE})."
