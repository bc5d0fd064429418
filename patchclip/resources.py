"""Where the library's files lie: in an installed package beside its code, in a checkout under assets/."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

_INSTALLED = Path(str(files("patchclip"))) / "assets"

ASSETS = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).resolve().parents[1] / "assets"
BUNDLED = ASSETS / "patchclip-cxr-s"
"""Folder of the bundled checkpoint that answers unless another is named."""
LARGER = ASSETS / "patchclip-cxr-b"
"""Folder of the bundled ensemble, which takes longer and sees more."""
TWIN = ASSETS / "patchclip-cxr-s-twin"
"""Folder of its twin, trained without boxes, whose saliency is the standard of comparison; no part of an
installed package."""
VOCABULARY = ASSETS / "vocabulary.json"
"""Findings and wording for new checkpoints; each checkpoint carries its own."""
PHRASES = ASSETS / "phrases.safetensors"
"""What queries are compared with, encoded beforehand: see `patchclip.text.encoded_phrases`."""
EXAMPLES = ASSETS / "examples"
"""Synthetic radiographs, drawn by a program."""
LANGUAGE = ASSETS / "language"
"""How people write about findings: words, terms, lexicon, translations."""
ORIENTATION = ASSETS / "orientation"
"""Small networks that compare a picture's sides with its header: see `patchclip.image.orientation`."""


def bundled_models() -> list[Path]:
    """Folders of the models that come with the library, the default first."""
    return [BUNDLED, LARGER]


def checkpoint_folder(named: str | Path) -> Path:
    """The folder that is named; a bundled model needs no path, where nothing else has its name."""
    folder = Path(named)
    by_name = {model.name: model for model in bundled_models()}
    return folder if folder.exists() else by_name.get(str(named), folder)
