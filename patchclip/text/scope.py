"""The query gate: is a query near something that the model was trained on?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from patchclip.errors import CheckpointError
from patchclip.text.encoder import AT_ONCE, SentenceEncoder
from patchclip.text.language import word_lists
from patchclip.text.query import Query
from patchclip.text.tokens import tokens_of
from patchclip.text.vocabulary import Vocabulary

OUTSIDE = tuple(
    phrase.strip()
    for phrase in """
a photograph of a dog; kitten; weather forecast; football match; cooking recipe; stock market; holiday in
Spain; mobile phone; broken window; flat tyre;
happy birthday; what time is it; the capital of France; train timetable; computer program; red wine; shopping
list; loud music; mountain landscape;
broken leg; hip fracture; skull fracture; ankle sprain; knee arthritis; torn ligament; meniscus tear of the
knee; kidney stone; brain tumor; stroke;
subdural hematoma; multiple sclerosis; cirrhosis of the liver; gallstones; appendicitis; bowel obstruction;
diverticulitis; stomach ulcer; hernia of the groin;
prostate cancer; breast cancer; ovarian cyst; pregnancy; thyroid nodule; sinusitis; tooth decay; ear
infection; cataract; glaucoma; skin rash; melanoma;
diabetes; high blood pressure; migraine; depression; fever; headache; sore throat; urinary tract infection;
anemia; leukemia; gout; osteoporosis;
scoliosis; arthritis; back pain; deep vein thrombosis; varicose veins; aortic dissection; endotracheal tube;
pacemaker; central venous catheter;
surgical clips; sternal wires; nasogastric tube; heart valve replacement; patient name; date of birth;
insurance number; age of the patient;
how old is the patient; is the patient male or female; good image quality; who took this picture; rotated
positioning; asthma; cough; chest pain;
breathlessness; myocardial infarction; atrial fibrillation; arrhythmia; pericarditis; mediastinal shift;
tracheal deviation; dextrocardia
""".replace("\n", " ").split(";")
)
"""What is asked now and then and was never trained: everyday things, other organs, devices, symptoms."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """in_vocabulary, and the finding that the query is taken for (None when out of scope)."""

    in_vocabulary: bool
    label: str | None


def phrases_of(vocabulary: Vocabulary) -> dict[str, str]:
    """Every wording of more than four letters of a finding -> the label of the finding."""
    return {
        text: item.label
        for item in vocabulary.findings
        for text in (item.name, *item.synonyms, *item.aliases)
        if len(text) > 4
    }


class QueryGate:
    """Logistic regression on two similarities: to the nearest phrase of the vocabulary, and to the nearest
    phrase outside it."""

    def __init__(
        self, vocabulary: Vocabulary, encoder: SentenceEncoder, weights: tuple[float, float, float]
    ) -> None:
        """weights: of the similarity to the vocabulary, of that to the outside, and the intercept."""
        self.vocabulary, self.encoder, self.weights = vocabulary, encoder, weights
        phrases = phrases_of(vocabulary)
        if not phrases:
            raise CheckpointError(
                "The vocabulary has no wording of more than four letters, so nothing tells what is near it; "
                "add one."
            )
        self._phrases, self._labels = list(phrases), list(phrases.values())
        self._features: tuple[Tensor, Tensor] | None = None

    @classmethod
    def fit(cls, vocabulary: Vocabulary, encoder: SentenceEncoder) -> QueryGate:
        """Leave-one-out: each phrase of either side is judged by all the others."""
        from sklearn.linear_model import LogisticRegression

        gate = cls(vocabulary, encoder, (0.0, 0.0, 0.0))
        inside, outside = gate._anchors()
        both = torch.cat([inside, outside])
        similarity = both @ both.t()
        similarity.fill_diagonal_(-1.0)
        features = torch.stack(
            [similarity[:, : len(inside)].max(dim=1).values, similarity[:, len(inside) :].max(dim=1).values],
            dim=1,
        )
        known = [True] * len(inside) + [False] * len(outside)
        fitted = LogisticRegression(C=100.0, class_weight="balanced").fit(features.numpy(), known)
        gate.weights = (float(fitted.coef_[0, 0]), float(fitted.coef_[0, 1]), float(fitted.intercept_[0]))
        return gate

    def judge(self, query: Query) -> Verdict:
        """A query that names a finding without doubt is in scope, one that names another thing is not; the
        rest is judged by its nearest
        phrases."""
        if query.label and not query.doubtful:
            return Verdict(True, query.label)
        if query.outside or word_lists().foreign.intersection(tokens_of(query.text)):
            return Verdict(False, None)
        inside, outside = self._anchors()
        feature = self.encoder.encode([query.doubtful or query.finding])[0]
        near = inside @ feature
        score = (
            self.weights[0] * float(near.max())
            + self.weights[1] * float((outside @ feature).max())
            + self.weights[2]
        )
        return (
            Verdict(True, query.label or self._labels[int(near.argmax())])
            if score > 0
            else Verdict(False, None)
        )

    def prepare(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Loads the encoder, and embeds the phrases that queries are compared with, where that is not done.

        stopped: asked before each batch; what is left is left out once it says so.
        """
        phrases = sorted((*self._phrases, *OUTSIDE), key=len)
        for start in range(0, len(phrases), AT_ONCE):
            if stopped():
                return
            self.encoder.encode(phrases[start : start + AT_ONCE])
        self._anchors()
        self.encoder.prepare()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types only."""
        return {"weights": list(self.weights)}

    @classmethod
    def from_dict(cls, values: dict[str, Any], vocabulary: Vocabulary, encoder: SentenceEncoder) -> QueryGate:
        """Inverse of `to_dict`; the phrases come from the vocabulary.

        Raises:
            CheckpointError: malformed.
        """
        weights = values.get("weights") if isinstance(values, dict) else None
        if (
            not isinstance(weights, list)
            or len(weights) != 3
            or not all(type(weight) in (int, float) and math.isfinite(weight) for weight in weights)
        ):
            raise CheckpointError(
                "The checkpoint's query gate is malformed; run python -m trainer calibrate on its run folder."
            )
        return cls(vocabulary, encoder, (float(weights[0]), float(weights[1]), float(weights[2])))

    def _anchors(self) -> tuple[Tensor, Tensor]:
        """Sentence features of both sides, made when first needed."""
        if self._features is None:
            self._features = (self.encoder.encode(self._phrases), self.encoder.encode(OUTSIDE))
        return self._features
