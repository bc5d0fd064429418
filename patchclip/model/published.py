"""What a checkpoint says of a published model that it holds: where it is from, its architecture, its input
and its tokenizer."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from patchclip.errors import CheckpointError
from patchclip.model.preprocess import ChannelScaling, InputStyle
from patchclip.records import typed

TOKENIZER = "tokenizer"
"""Folder of a checkpoint with the files of its own tokenizer."""
MOST_FILES, LARGEST_FILE = 32, 64 * 2**20
LONGEST_CONTEXT = 4096
_REMEDY = "convert the model again"

TextCleaning = Literal["whitespace", "lower", "canonicalize"]


@dataclass(frozen=True, slots=True)
class TokenizerRecord:
    """How sentences become tokens.

    Raises:
        CheckpointError: the context length is out of its range.

    Attributes:
        kind: "clip" is that of CLIP, which comes with open_clip; "files" is one of Hugging Face's, in the
            checkpoint's folder `tokenizer`.
        context_length: tokens of a sentence, L; shorter ones are filled up.
        clean: what open_clip does to a text before one of Hugging Face's tokenizers.
    """

    kind: Literal["clip", "files"]
    context_length: int
    clean: TextCleaning = "whitespace"

    def __post_init__(self) -> None:
        if not 1 <= self.context_length <= LONGEST_CONTEXT:
            raise CheckpointError(
                f"A context length of {self.context_length} tokens is outside of 1 to {LONGEST_CONTEXT}; "
                f"{_REMEDY}."
            )


@dataclass(frozen=True, slots=True)
class PublishedRecord:
    """The section "published" of a checkpoint's record.

    Attributes:
        origin: what was converted, by its name and the SHA-256 of its weights.
        layout: key of `patchclip.zoo.LAYOUTS`, by whose map its weights were renamed.
        architecture: see `patchclip.model.clip_parts.build_clip`.
        tokenizer: see there.
        input_style: see there.
        channels: see there.
    """

    origin: str
    layout: str
    architecture: dict[str, Any]
    tokenizer: TokenizerRecord
    input_style: InputStyle
    channels: ChannelScaling

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types only."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: object) -> PublishedRecord:
        """Inverse of `to_dict`.

        Raises:
            CheckpointError: a field is missing, of another type or out of its range.
        """
        return typed(cls, values, "The record of the published model", _REMEDY)


@dataclass(frozen=True)
class Published:
    """A published model's record, with the files of its tokenizer.

    Attributes:
        record: see there.
        files: of the tokenizer, by name.
    """

    record: PublishedRecord
    files: Mapping[str, bytes] = field(default_factory=dict)

    def tokenize(self, texts: list[str]) -> Tensor:
        """Texts -> int64 [N, L].

        Raises:
            CheckpointError: the tokenizer's files cannot be read.
        """
        return self._tokenizer(texts)

    @cached_property
    def _tokenizer(self) -> Callable[[list[str]], Tensor]:
        from open_clip.tokenizer import SimpleTokenizer  # heavy, and needed for published models alone

        record = self.record.tokenizer
        if record.kind == "clip":
            clip: Callable[[list[str]], Tensor] = SimpleTokenizer(context_length=record.context_length)
            return clip
        with tempfile.TemporaryDirectory() as folder:
            for name, content in self.files.items():
                (Path(folder) / name).write_bytes(content)
            return read_tokenizer(Path(folder), record)


def read_tokenizer(folder: Path, record: TokenizerRecord) -> Callable[[list[str]], Tensor]:
    """One of Hugging Face's tokenizers from a folder; nothing is fetched and no code of the folder is run.

    Raises:
        CheckpointError: there is none that can be read.
    """
    from open_clip.tokenizer import HFTokenizer  # as above

    try:
        tokenizer: Callable[[list[str]], Tensor] = HFTokenizer(
            str(folder),
            context_length=record.context_length,
            clean=record.clean,
            local_files_only=True,
            trust_remote_code=False,
        )
    except Exception as error:  # of many kinds: OSError, ValueError, ImportError, its own
        raise CheckpointError(
            f"The tokenizer cannot be read ({type(error).__name__}: {' '.join(str(error).split())[:120]}); "
            "give the "
            "folder with the model's tokenizer files, as they were published."
        ) from error
    return tokenizer


def tokenizer_files(folder: Path) -> dict[str, bytes]:
    """Files of a tokenizer's folder by name, in the order of their names; empty where there is none.

    Raises:
        CheckpointError: they are more or larger than a tokenizer's are, or cannot be read.
    """
    if not folder.is_dir():
        return {}
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    if len(paths) > MOST_FILES or any(path.stat().st_size > LARGEST_FILE for path in paths):
        raise CheckpointError(
            f"{str(folder)[:255]} holds more than a tokenizer does; {_REMEDY}, or leave only its files there."
        )
    try:
        return {path.name: path.read_bytes() for path in paths}
    except OSError as error:
        raise CheckpointError(f"{str(folder)[:255]} cannot be read ({error.strerror}); {_REMEDY}.") from error
