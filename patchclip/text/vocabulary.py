"""The vocabulary: findings, the words for them, and the templates that make prompt pairs; it travels in every
checkpoint."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from patchclip.errors import CheckpointError
from patchclip.records import parse_json, typed

LONGEST_TEXT, MOST_TEXTS = 500, 20_000


@dataclass(frozen=True, slots=True)
class PromptPair:
    """All wordings of the two sides of one question; each side is averaged in embedding space."""

    positive: tuple[str, ...]
    negative: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VocabularyFinding:
    """One finding.

    Attributes:
        label: its name in datasets, e.g. "Effusion".
        name: how it is shown, e.g. "pleural effusion".
        size: "small", "medium" or "large", as typically seen.
        synonyms: wordings that prompts are made of.
        aliases: further wordings that are understood in queries.
        normal: wordings that state its absence without a negation ("clear costophrenic angles").
    """

    label: str
    name: str
    size: str
    synonyms: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    normal: tuple[str, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """Its label and all its wordings."""
        return (self.label, self.name, *self.synonyms, *self.aliases, *self.normal)


@dataclass(frozen=True, slots=True)
class _Templates:
    positive: tuple[str, ...]
    negative: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _VocabularyFile:
    """What the JSON holds."""

    findings: tuple[VocabularyFinding, ...]
    templates: _Templates


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All findings with the templates of both sides; "{}" in a template stands for the finding."""

    findings: tuple[VocabularyFinding, ...]
    positive_templates: tuple[str, ...]
    negative_templates: tuple[str, ...]

    @classmethod
    def from_json(cls, path: Path) -> Vocabulary:
        """Reads a vocabulary file.

        Raises:
            CheckpointError: it is missing or malformed.
        """
        try:
            return cls.from_dict(parse_json(path.read_bytes()))
        except OSError as error:
            raise CheckpointError(
                f"There is no vocabulary {path}; give the path of a file such as assets/vocabulary.json."
            ) from error
        except ValueError as error:
            place = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
            raise CheckpointError(f"The vocabulary {path} is not valid JSON{place}; correct it.") from error

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Vocabulary:
        """Inverse of `to_dict`.

        Raises:
            CheckpointError: a part is missing, or of another type; two findings share a label; a template has
                braces other than "{}"; or a text is too long.
        """
        content = typed(_VocabularyFile, values, "The vocabulary", "see assets/vocabulary.json for its shape")
        templates = content.templates
        vocabulary = cls(content.findings, templates.positive, templates.negative)
        if not vocabulary.findings or len(set(vocabulary.labels)) != len(vocabulary.findings):
            raise CheckpointError("The vocabulary needs findings, each with a label of its own.")
        if not (templates.positive and templates.negative) or not all(
            template.count("{}") == 1 and template.count("{") == template.count("}") == 1
            for template in vocabulary.templates
        ):
            raise CheckpointError(
                'The vocabulary needs templates of both sides, with "{}" once in each and no other braces.'
            )
        texts = [*vocabulary.templates, *(text for item in vocabulary.findings for text in item.texts)]
        if not all(0 < len(text) <= LONGEST_TEXT for text in texts) or len(texts) > MOST_TEXTS:
            raise CheckpointError(
                f"The vocabulary has a text of none or of more than {LONGEST_TEXT} characters, or more than "
                f"{MOST_TEXTS} texts; shorten it."
            )
        return vocabulary

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types only."""
        templates = {"positive": list(self.positive_templates), "negative": list(self.negative_templates)}
        return {
            "version": 1,
            "templates": templates,
            "findings": json.loads(json.dumps([asdict(item) for item in self.findings])),
        }

    @property
    def labels(self) -> tuple[str, ...]:
        """In the order of the file; models keep it."""
        return tuple(item.label for item in self.findings)

    @property
    def templates(self) -> tuple[str, ...]:
        """Of both sides."""
        return self.positive_templates + self.negative_templates

    def with_wordings_of(self, newer: Vocabulary) -> Vocabulary:
        """The same findings with the same prompts, which also understand the wordings of a newer vocabulary.

        A finding whose prompts differ there, or that it lacks, stays as it is. No wording is lost, unless the
        newer one gives it to another of these findings.
        """
        shared = [
            label
            for label in self.labels
            if label in newer.labels and newer.prompts(label) == self.prompts(label)
        ]
        given = {word for label in shared for word in newer.finding(label).texts}

        def understood(item: VocabularyFinding) -> VocabularyFinding:
            if item.label not in shared:
                return item
            gained = newer.finding(item.label)
            return replace(gained, aliases=(*gained.aliases, *(w for w in item.aliases if w not in given)))

        findings = tuple(understood(item) for item in self.findings)
        return Vocabulary(findings, self.positive_templates, self.negative_templates)

    def without(self, labels: Collection[str]) -> Vocabulary:
        """The same with some findings less.

        Raises:
            CheckpointError: it has no such finding, or none would be left.
        """
        for label in labels:
            self.finding(label)
        findings = tuple(item for item in self.findings if item.label not in labels)
        if not findings:
            raise CheckpointError("No finding of the vocabulary would be left; take out fewer.")
        return Vocabulary(findings, self.positive_templates, self.negative_templates)

    def finding(self, label: str) -> VocabularyFinding:
        """By label.

        Raises:
            CheckpointError: there is none.
        """
        for item in self.findings:
            if item.label == label:
                return item
        raise CheckpointError(f'The vocabulary has no finding "{label}"; it has {", ".join(self.labels)}.')

    def prompts(self, label: str) -> PromptPair:
        """Every template with every name that prompts are made of."""
        item = self.finding(label)
        return self._pair((item.name, *item.synonyms))

    def free_prompts(self, phrase: str) -> PromptPair:
        """The same templates around a phrase that is not in the vocabulary."""
        return self._pair((phrase,))

    def _pair(self, names: tuple[str, ...]) -> PromptPair:
        return PromptPair(
            positive=tuple(template.format(name) for template in self.positive_templates for name in names),
            negative=tuple(template.format(name) for template in self.negative_templates for name in names),
        )
