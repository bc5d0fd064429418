"""A query made ready for the model: what was understood of its text, and its embedded prompt pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from torch import Tensor

from patchclip.errors import QueryError
from patchclip.image.radiograph import HeaderFacts
from patchclip.model.patchclip import PatchCLIP
from patchclip.model.prompts import PromptEmbeddings, embed_pair
from patchclip.places import side_of
from patchclip.text.echo import Echo
from patchclip.text.place import Place, PlacePart
from patchclip.text.query import Query, Reading, parse_queries
from patchclip.text.scope import QueryGate
from patchclip.text.vocabulary import PromptPair, Vocabulary

SHORT, KEPT = 100, 128
"""Characters of a text that is kept parsed, and how many such are."""


@dataclass(frozen=True, slots=True)
class Question:
    """A query made ready.

    Attributes:
        query: what was understood of the text.
        label: the vocabulary's finding by whose calibration it is answered; None when the query is not in the
            vocabulary.
        in_vocabulary: whether the query is near something that the model was trained on.
        positive, negative: float32 [D], unit norm: the two ends of the prompt pair, each the mean over its
            wordings.
    """

    query: Query
    label: str | None
    in_vocabulary: bool
    positive: Tensor
    negative: Tensor
    said: tuple[str, ...] = ()  # sentences about the text as a whole, with its first query

    @property
    def place(self) -> Place | None:
        """What limits the answer; None for the whole image."""
        if self.query.place is None and self.query.laterality:
            return Place((PlacePart(self.query.laterality, None),))
        return self.query.place

    @property
    def refusal(self) -> str | None:
        """Why the query has neither map nor probability; None where it has."""
        if self.in_vocabulary:
            return None
        return (
            f'"{shortened(self.query.finding)}" is far from what this model has learnt: neither map nor '
            "probability is shown."
        )

    def warnings(self, facts: HeaderFacts, about_place: Sequence[str] = ()) -> tuple[str, ...]:
        """Sentences that go with its answer on an image with these facts; `about_place` are those on its
        place."""
        sentences = [*self.said, *self.query.notes]
        place = self.place
        if place and any(side_of(part) for part in place.parts) and not facts.sides_told:
            sentences.append(
                "The image does not tell the patient's sides; the patient's left is taken to be at "
                "the right of the image."
            )
        sentences += about_place if self.refusal is None else (self.refusal,)
        return tuple(sentences)


class QuestionReader:
    """The text half of an engine. Threads may share it: it changes nothing but caches."""

    def __init__(
        self,
        model: PatchCLIP,
        vocabulary: Vocabulary,
        gate: QueryGate,
        prompts: Mapping[str, PromptEmbeddings] | None = None,
    ) -> None:
        """prompts: of findings, embedded beforehand, by label; the others are embedded when they are asked
        for."""
        self.model, self.vocabulary, self.gate = model, vocabulary, gate
        self._short = lru_cache(KEPT)(partial(parse_queries, vocabulary=vocabulary))
        device = model.logit_scale.device
        self._embedded = {
            f"label:{label}": PromptEmbeddings(pair.positive.to(device), pair.negative.to(device))
            for label, pair in (prompts or {}).items()
        }

    def read(self, text: str) -> tuple[Question, ...]:
        """Understands a text: one question for each finding that it names, in its order, at least one.

        Raises:
            QueryError: the text is empty, too long, or in a language that is not read.
        """
        reading = self._parsed(text)
        first, *others = (self._question(query) for query in reading.queries)
        return replace(first, said=reading.warnings), *others

    def reading(self, text: str) -> Reading:
        """What was made of a text, its echo as it is once the gate has judged its queries.

        Raises:
            QueryError: see `read`.
        """
        reading = self._parsed(text)
        echo = reading.echo
        for query in reading.queries:
            verdict = self.gate.judge(query)
            if verdict.in_vocabulary and not query.label:
                echo = tuple(_used(item, query) for item in echo)
            elif query.label and not verdict.in_vocabulary:
                echo = tuple(_struck(item, query) for item in echo)
        return replace(reading, echo=echo)

    def explorable(self, text: str) -> Question:
        """The first question of a text, whether the vocabulary holds it or not.

        Raises:
            QueryError: see `read`; or it holds words of another language: prompts are compared in English.
        """
        reading = parse_queries(text, self.vocabulary)
        if (reading.language or reading.unread) and not reading.queries[0].label:
            raise QueryError(
                f'"{shortened(text)}" cannot be compared with the image, since it is not in English; '
                "ask for it in English."
            )
        return self._question(reading.queries[0])

    def _parsed(self, text: str) -> Reading:
        """A short text is parsed once while it is asked again and again; a long one may be a report, and is
        not kept."""
        return self._short(text) if len(text) <= SHORT else parse_queries(text, self.vocabulary)

    def _question(self, query: Query) -> Question:
        verdict = self.gate.judge(query)
        if query.label and not verdict.in_vocabulary:
            query = replace(query, finding=query.doubtful or query.finding, label=None)
        if query.label:
            ends = self.ends_of(query.label)
        else:
            ends = self._ends(f"text:{query.finding}", self.vocabulary.free_prompts(query.finding))
        return Question(query, verdict.label, verdict.in_vocabulary, ends.positive, ends.negative)

    def ends_of(self, label: str) -> PromptEmbeddings:
        """The embedded prompts of a finding of the vocabulary."""
        return self._ends(f"label:{label}", self.vocabulary.prompts(label))

    def _ends(self, key: str, pair: PromptPair) -> PromptEmbeddings:
        """Embedded once for each key."""
        if key not in self._embedded:
            self._embedded[key] = embed_pair(self.model, pair)
        return self._embedded[key]


def shortened(text: str) -> str:
    """At most 60 characters of a text, for a sentence that quotes it."""
    return text if len(text) <= 60 else f"{text[:59]}…"


def _used(item: Echo, query: Query) -> Echo:
    """A word of a phrase that the gate took for a finding."""
    if not query.start <= item.start < query.stop or item.role != "struck out":
        return item
    return replace(item, role="used", assertion=query.assertion)


def _struck(item: Echo, query: Query) -> Echo:
    """A word of a phrase that is not answered, whatever one word of it could mean."""
    if not query.start <= item.start < query.stop or item.role not in ("used", "corrected"):
        return item
    return replace(item, role="struck out", assertion=None)
