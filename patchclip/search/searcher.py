"""Search over an archive's embeddings: scan for candidates, then the engine's own answer on each of them."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from patchclip.batch.output import Output
from patchclip.batch.stored import StoredImage, restored
from patchclip.batch.summaries import query_vector
from patchclip.engine import Engine
from patchclip.errors import DataError, QueryError
from patchclip.question import Question
from patchclip.search.index import Index, read_index
from patchclip.search.rows import StoredRows
from patchclip.search.scan import Nearest, nearest
from patchclip.search.size import Size, left_over, size_of, unused_words
from patchclip.types import Answer

DEPTH = 500
"""Candidates that are answered at most."""
ROUNDING = 0.1
"""Of a probability's logit, by which an answer from float16 may differ (tested)."""
DAY = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Filters:
    """What images must be, beside what the text asks.

    Attributes:
        views: DICOM's View Position, "PA", "AP", ...; empty for any.
        since, until: days, both included, on which the batch read the image.
    """

    views: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None

    def chosen(self, index: Index) -> NDArray[np.bool_] | None:
        """bool [N]; None for all."""
        keep = np.ones(len(index.facts), bool)
        if self.views:
            keep &= np.isin(index.facts["view"], [view.encode("ascii", "replace") for view in self.views])
        if self.since:
            keep &= index.facts["day"] >= (self.since - DAY).days
        if self.until:
            keep &= index.facts["day"] <= (self.until - DAY).days
        return None if keep.all() else keep


@dataclass(frozen=True, slots=True)
class Hit:
    """An image, and the engine's answers on it.

    Attributes:
        image, file: what it and its file are called in the output folder.
        probability: of all that the text asks together: the least of its answers'.
        answers: one for each finding that the text names.
        encoded: the image as it was kept.
        read_on: when the batch read it.
    """

    image: str
    file: str
    probability: float
    answers: tuple[Answer, ...]
    encoded: StoredImage
    read_on: date


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Attributes:
        hits: highest probability first; where the text asks for a size, in the order of `Size.key`.
        images: of the archive.
        eligible: those that the filters leave.
        answered: those that the engine answered, from patch embeddings.
        complete: whether none of the others can stand before the last hit.
        size: that the text asks for, if it orders the hits.
        notes: sentences for the reader on what became of the text.
    """

    hits: tuple[Hit, ...]
    images: int
    eligible: int
    answered: int
    complete: bool
    size: Size | None = None
    notes: tuple[str, ...] = field(default=())


class Searcher:
    """A batch's output folder and the model that made it. For one thread at a time.

    Attributes:
        record: what the folder was made for, by which model.
    """

    def __init__(self, folder: Path, engine: Engine) -> None:
        """
        Raises:
            DataError: no output folder, one without embeddings, or of another model.
        """
        self._output = Output(folder)
        self.record = record = self._output.record()
        if not record.embeddings:
            raise DataError(f"{folder} holds no embeddings; run the batch without --no-embeddings.")
        if record.model_sha256 != engine.sha256:
            raise DataError(
                f"{folder} was made with another model ({record.model}, {record.model_sha256[:16]}); "
                "name its checkpoint."
            )
        self._engine, self._rows = engine, StoredRows(self._output)

    def search(self, text: str, filters: Filters | None = None, count: int = 20, depth: int = DEPTH) -> Found:
        """The images on which a text is most probable.

        Candidates come in the order of their image's probability, which no place raises: once the hits are
        above what is left, none is missing.

        Args:
            text: as for `Engine.query`; of several findings all must be there.
            filters: what images must be besides.
            count: hits, at most.
            depth: images that are answered, at most.

        Raises:
            QueryError: the text is refused, or names what the model has not learnt.
            DataError: a table or the index cannot be read, or the folder has become another archive.
        """
        if self._output.record() != self.record:
            raise DataError(f"{self._output.folder} was made anew meanwhile; search again.")
        questions = self._engine.understand(text)
        for question in questions:
            if question.refusal:
                raise QueryError(question.refusal)
        indices = {_label(question): self._index(question) for question in questions}
        first = indices[_label(questions[0])]
        chosen = (filters or Filters()).chosen(first)
        eligible = len(first.facts) if chosen is None else int(chosen.sum())
        candidates = self._candidates(questions, indices, chosen, max(depth, count))

        left = left_over(self._engine, text)
        size = size_of(text, left, questions)
        hits: list[Hit] = []
        answered = 0
        complete = False
        for row, bound in zip(candidates.rows, candidates.scores, strict=True):
            highest = float(bound + ROUNDING * bound * (1 - bound))
            can_end = answered >= count and all(map(_is_bound, questions))
            if can_end and (size is None or size.cannot_order(highest, hits[0].answers[0])):
                last = hits[count - 1]
                if last.probability >= highest or (size and size.orders(last.answers[0])):
                    complete = True
                    break
            insort(hits, self._hit(first, int(row), text), key=partial(_order, size=size))
            answered += 1
        complete = complete or answered == eligible
        return Found(
            hits=tuple(hits[:count]),
            images=len(first.facts),
            eligible=eligible,
            answered=answered,
            complete=complete,
            size=size,
            notes=_notes(questions, size, unused_words(text, left, size)),
        )

    def close(self) -> None:
        """Closes the tables."""
        self._rows.close()

    def _index(self, question: Question) -> Index:
        width = len(query_vector(self._engine.model, question))
        return read_index(self._output, _label(question), width, self.record.model_sha256)

    def _candidates(
        self,
        questions: Sequence[Question],
        indices: dict[str, Index],
        chosen: NDArray[np.bool_] | None,
        depth: int,
    ) -> Nearest:
        """Rows, and the probability that their image embeddings give; of several questions the least."""
        model = self._engine.model
        single = len(questions) == 1
        scores: list[Nearest] = []
        for question in questions:
            vectors = indices[_label(question)].vectors
            query = query_vector(model, question) * (-1 if question.query.negated else 1)
            scan = nearest(vectors, query, depth if single else len(vectors), chosen)
            sign = -1 if question.query.negated else 1
            logits = sign * scan.scores + float(model.logit_bias)
            present = self._engine.checkpoint.calibration.of(question.label).image_probability(logits)
            scores.append(Nearest(scan.rows, 1 - present if question.query.negated else present))
        if single:
            return scores[0]
        least = np.full(len(indices[_label(questions[0])].facts), np.inf, np.float32)
        for score in scores:
            least[score.rows] = np.minimum(least[score.rows], score.scores)
        rows = scores[0].rows
        order = np.argsort(-least[rows], kind="stable")[:depth]
        return Nearest(rows[order], least[rows[order]])

    def _hit(self, index: Index, row: int, text: str) -> Hit:
        fact = index.facts[row]
        stored = self._rows.row(index.parts[int(fact["part"])], int(fact["row"]))
        encoded = restored(self._engine, stored)
        answers = tuple(self._engine.query(encoded, [text]))
        return Hit(
            image=stored["image"],
            file=stored["file"],
            probability=min(answer.require_probability() for answer in answers),
            answers=answers,
            encoded=encoded,
            read_on=stored["read_on"],
        )


def _notes(questions: Sequence[Question], size: Size | None, unused: Sequence[str]) -> tuple[str, ...]:
    notes = []
    if size:
        order = "most" if size.wanted == "large" else "least"
        notes.append(
            f"The model measures no size: for {_quoted(size.words)}, images whose probability is at the "
            f"operating point or above come first, those with the {order} of their map lit at the top."
        )
    if unused:
        notes.append(f"Not asked for, since the model does not tell it: {', '.join(unused)}.")
    if len(questions) > 1:
        names = ", ".join(question.query.finding for question in questions)
        notes.append(f"The text names several findings ({names}); an image counts as its least probable one.")
    return tuple(notes)


def _order(hit: Hit, size: Size | None) -> tuple[float, ...]:
    """Highest probability first; with a size, by it before."""
    return (*(size.key(hit.answers[0]) if size else ()), -hit.probability)


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)


def _label(question: Question) -> str:
    assert question.label is not None  # of what is in the vocabulary
    return question.label


def _is_bound(question: Question) -> bool:
    """Whether no answer is more probable than its image's embedding says.

    So it is for a finding's own prompts: the embedding's logit is exact then, and a place takes the lower of
    two probabilities, which raises that of an absence.
    """
    return question.query.label is not None and not (question.query.negated and question.place)
