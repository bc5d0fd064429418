"""What datasets call their findings, and the label for each: the one place that says so."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from patchclip.data.tables import clipped
from patchclip.errors import DataError
from patchclip.text.vocabulary import Vocabulary

NO_FINDING = "No Finding"
NIH_FINDINGS = (
    "Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Effusion", "Emphysema", "Fibrosis", "Hernia",
    "Infiltration", "Mass", "Nodule", "Pleural_Thickening", "Pneumonia", "Pneumothorax",
)  # fmt: skip
CHESTX_DET_FINDINGS = (
    "Atelectasis", "Calcification", "Cardiomegaly", "Consolidation", "Diffuse Nodule", "Effusion",
    "Emphysema", "Fibrosis", "Fracture", "Mass", "Nodule", "Pleural_Thickening", "Pneumothorax",
)  # fmt: skip
DIFFUSE_NODULE = "Diffuse Nodule"
LUNG_OPACITY = "Lung Opacity"
OPACITIES = frozenset(
    (
        "Atelectasis",
        "Consolidation",
        "Diffuse Nodule",
        "Edema",
        "Fibrosis",
        "ILD",
        "Infiltration",
        "Mass",
        "Nodule",
        "Pneumonia",
    )
)
"""Findings that are opacities of the lung under a name of their own; where one is seen, "no lung opacity"
only means "no other"."""

NIH_BOXED = (
    "Atelectasis", "Cardiomegaly", "Effusion", "Infiltration", "Mass", "Nodule", "Pneumonia", "Pneumothorax",
)  # fmt: skip
"""The eight findings of which NIH ChestX-ray14 has boxes."""

OTHER_FINDINGS = (
    "Airway wall thickening", "Aortic enlargement", "Bone lesion", "Calcification of the aorta",
    "Enlarged cardiomediastinum", "Enlarged PA", "ILD", "Lung cavity", "Lung cyst", "Mediastinal shift",
    "Other disease", "Other diseases", "Other lesion", "Pleural other", "Pneumomediastinum",
    "Pneumoperitoneum", "Subcutaneous emphysema", "Support devices", "Tortuous aorta", "Tuberculosis",
)  # fmt: skip
"""What the label lists of VinDr-CXR, CheXpert, MIMIC-CXR and CXR-LT have beside those above: no spelling
mistakes, though no label of this project's vocabulary means the same."""

RENAMED = {"Infiltrate": "Infiltration", "Pleural Thickening": "Pleural_Thickening"}
"""Spellings of published box lists that a dataset folder may use as if they were the labels."""

NO_FINDING_NAMES = ("no finding", "no findings", "normal")

_ELSEWHERE = {
    "Atelectasis": (
        "atelectasis basal", "laminar atelectasis", "lobar atelectasis", "segmental atelectasis",
        "round atelectasis", "total atelectasis", "pulmonary atelectasis",
    ),
    "Calcification": (
        "calcinosis", "calcified granuloma", "calcified densities", "calcified adenopathy",
        "calcified mediastinal adenopathy", "calcified pleural plaques",
    ),
    "Diffuse Nodule": ("diffuse lung nodules", "multiple nodules", "miliary opacities"),
    "Edema": ("pulmonary edema",),
    "Effusion": ("pleural effusion", "loculated pleural effusion", "loculated fissural effusion"),
    "Emphysema": ("pulmonary emphysema", "bullous emphysema"),
    "Fibrosis": ("pulmonary fibrosis",),
    "Fracture": (
        "rib fracture", "callus rib fracture", "clavicle fracture", "vertebral fracture",
        "fractures, bone",
    ),
    "Hernia": ("hiatal hernia", "hernia, hiatal"),
    "ILD": ("interstitial lung disease",),
    "Infiltration": ("infiltrate", "infiltrates", "pulmonary infiltrate"),
    LUNG_OPACITY: (
        "airspace opacity", "airspace disease", "alveolar pattern", "ground glass pattern",
        "increased density", "opacity/lung", "density/lung",
    ),
    "Mass": ("lung mass", "pulmonary mass", "mass/lung"),
    "Nodule": ("lung nodule", "nodule/lung"),
    "Pleural_Thickening": (
        "pleural thickening", "apical pleural thickening", "calcified pleural thickening",
        "thickening/pleura",
    ),
    "Pneumonia": ("atypical pneumonia",),
}  # fmt: skip
_UNIONS = dict.fromkeys(("nodule/mass", "nodule or mass", "lung lesion"), ("Mass", "Nodule"))
"""Names of one finding or another: absent, both are; present, nobody says which."""


def _key(name: str) -> str:
    return " ".join(name.replace("_", " ").lower().split())


_LABELS = {_key(name): label for label, names in _ELSEWHERE.items() for name in names}


@lru_cache(maxsize=4096)
def labels_of(name: str, known: frozenset[str]) -> tuple[str, ...]:
    """The vocabulary's labels for a dataset's finding.

    Args:
        name: as the dataset writes it; case, spaces and underscores do not matter.
        known: labels that the vocabulary has; a name that is literally one of them stands for itself.

    Returns:
        One label; or several, of which the name means one or another; or none where the vocabulary lacks it.
    """
    by_key = {_key(label): label for label in known}
    if (key := _key(name)) in by_key:
        return (by_key[key],)
    wanted = _UNIONS.get(key) or (_LABELS.get(key, name),)
    return wanted if set(wanted) <= known else ()


def label_of(name: str, known: frozenset[str]) -> str | None:
    """The one label for a dataset's finding, as an outline needs it; None where there is none or more than
    one."""
    labels = labels_of(name, known)
    return labels[0] if len(labels) == 1 else None


@dataclass(frozen=True, slots=True)
class NamedFinding:
    """What a name in a table stands for.

    Attributes:
        label: of the model; of this project's vocabulary or as written where the model lacks it; or "No
            Finding".
        in_model: whether the model has it.
        renamed: whether the table writes it otherwise than the label, which is then to be said.
        remark: that, in words.
    """

    label: str
    in_model: bool
    renamed: bool
    remark: str = ""


class FindingNames:
    """The names that a dataset folder may give to findings, read strictly: a name is understood, or it is an
    error."""

    def __init__(self, labels: Iterable[str], vocabulary: Vocabulary | None = None) -> None:
        """labels: what the model knows. vocabulary: its own, whose names and synonyms are understood beside
        those of datasets."""
        self._labels = frozenset(labels)
        self._names: dict[str, str] = {}
        self._hints: dict[str, str] = {}
        known = {_key(label): label for label in (*NIH_FINDINGS, *CHESTX_DET_FINDINGS, LUNG_OPACITY)}
        others = {_key(name): name for name in OTHER_FINDINGS}
        for table in (
            {_key(label): label for label in self._labels},
            {key: self._same_as(label) for key, label in known.items()},
            {_key(name): self._same_as(label) for name, label in RENAMED.items()},
            others,
            dict.fromkeys(NO_FINDING_NAMES, NO_FINDING),
            {key: self._same_as(label) for key, label in _LABELS.items()},
            self._synonyms(vocabulary),
        ):
            self._names = table | self._names
        if vocabulary is not None:
            self._hints = {_key(name): item.label for item in vocabulary.findings for name in item.aliases}
        self._hints |= self._names | {"none": NO_FINDING}

    def find(self, name: str, where: str) -> NamedFinding:
        """What a name stands for; case, spaces and underscores do not matter.

        Raises:
            DataError: nobody knows it, or it means one finding or another; names the nearest, at `where`.
        """
        if name in self._labels:
            return NamedFinding(name, in_model=True, renamed=False)
        key = _key(name)
        label = self._names.get(key)
        if label is None or key in _UNIONS:
            raise DataError(f"{where}: {self._refusal(name, key)}")
        if label in OTHER_FINDINGS and label not in self._labels:
            return NamedFinding(name, in_model=False, renamed=False)
        plain = name == label or RENAMED.get(name) == label
        remark = "" if plain else f'"{clipped(name)}" is taken for {label}'
        return NamedFinding(label, label in self._labels, not plain, remark)

    def check(self, name: str, where: str) -> None:
        """Whether a name means a finding, or one or another of several.

        Raises:
            DataError: as `find`.
        """
        if _key(name) not in _UNIONS:
            self.find(name, where)

    def _same_as(self, label: str) -> str:
        """The model's label for a label of this project: itself, or one that datasets use for it."""
        if label in self._labels:
            return label
        return next((own for own in sorted(self._labels) if _LABELS.get(_key(own)) == label), label)

    def _synonyms(self, vocabulary: Vocabulary | None) -> dict[str, str]:
        """Names that prompts are made of; one of two findings is a name of neither."""
        owners: dict[str, set[str]] = {}
        for item in vocabulary.findings if vocabulary else ():
            for name in (item.name, *item.synonyms):
                owners.setdefault(_key(name), set()).add(item.label)
        return {key: labels.pop() for key, labels in owners.items() if len(labels) == 1}

    def _refusal(self, name: str, key: str) -> str:
        """Why a name is not understood, and what to write."""
        if key in _UNIONS:
            return f'"{clipped(name)}" means {" or ".join(_UNIONS[key])}; write the one that is meant.'
        near = difflib.get_close_matches(key, self._hints, n=1)
        if near:
            label = self._hints[near[0]]
            return (
                f'there is no finding "{clipped(name)}"; the nearest name is "{label}": correct the row, or '
                "add the finding to the vocabulary."
            )
        labels = ", ".join(sorted(self._labels))
        return (
            f'there is no finding "{clipped(name)}"; correct the row, or add the finding to the vocabulary, '
            f"which has {labels}."
        )
