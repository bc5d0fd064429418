"""What datasets call their findings, and the vocabulary's label for each: the one place that says so."""

from __future__ import annotations

from functools import lru_cache

NIH_FINDINGS = (
    "Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Effusion", "Emphysema", "Fibrosis", "Hernia", "Infiltration", "Mass",
    "Nodule", "Pleural_Thickening", "Pneumonia", "Pneumothorax",
)  # fmt: skip
CHESTX_DET_FINDINGS = (
    "Atelectasis", "Calcification", "Cardiomegaly", "Consolidation", "Diffuse Nodule", "Effusion", "Emphysema", "Fibrosis", "Fracture",
    "Mass", "Nodule", "Pleural_Thickening", "Pneumothorax",
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
        "Infiltration",
        "Mass",
        "Nodule",
        "Pneumonia",
    )
)
"""Findings that are opacities of the lung under a name of their own; where one is seen, "no lung opacity" only means "no other"."""

RENAMED = {"Infiltrate": "Infiltration", "Pleural Thickening": "Pleural_Thickening"}
"""The spellings that this project's dataset folder allows."""

_ELSEWHERE = {
    "Atelectasis": (
        "atelectasis basal", "laminar atelectasis", "lobar atelectasis", "segmental atelectasis", "round atelectasis", "total atelectasis",
        "pulmonary atelectasis",
    ),
    "Calcification": (
        "calcinosis", "calcified granuloma", "calcified densities", "calcified adenopathy", "calcified mediastinal adenopathy",
        "calcified pleural plaques",
    ),
    "Diffuse Nodule": ("diffuse lung nodules", "multiple nodules", "miliary opacities"),
    "Edema": ("pulmonary edema",),
    "Effusion": ("pleural effusion", "loculated pleural effusion", "loculated fissural effusion"),
    "Emphysema": ("pulmonary emphysema", "bullous emphysema"),
    "Fibrosis": ("pulmonary fibrosis",),
    "Fracture": (
        "rib fracture", "callus rib fracture", "clavicle fracture", "vertebral fracture", "fractures, bone",
    ),
    "Hernia": ("hiatal hernia", "hernia, hiatal"),
    "Infiltration": ("infiltrate", "infiltrates", "pulmonary infiltrate"),
    LUNG_OPACITY: (
        "airspace opacity", "airspace disease", "alveolar pattern", "ground glass pattern", "increased density", "opacity/lung", "density/lung",
    ),
    "Mass": ("lung mass", "pulmonary mass", "mass/lung"),
    "Nodule": ("lung nodule", "nodule/lung"),
    "Pleural_Thickening": ("pleural thickening", "apical pleural thickening", "calcified pleural thickening", "thickening/pleura"),
    "Pneumonia": ("atypical pneumonia",),
}  # fmt: skip
_UNIONS = {"nodule/mass": ("Mass", "Nodule"), "lung lesion": ("Mass", "Nodule")}
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
    """The one label for a dataset's finding, as an outline needs it; None where there is none or more than one."""
    labels = labels_of(name, known)
    return labels[0] if len(labels) == 1 else None
