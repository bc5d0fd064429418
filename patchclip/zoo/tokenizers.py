"""Files of a tokenizer among others: by the names that Hugging Face's tokenizers give them."""

from __future__ import annotations

from pathlib import Path

from patchclip.errors import CheckpointError

NAMES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spiece.model",
    "tokenizer.model",
)


def tokenizer_beside(folder: Path) -> dict[str, bytes]:
    """The tokenizer's files in a folder, by name; empty where there is none of them.

    Raises:
        CheckpointError: one cannot be read.
    """
    try:
        return {name: (folder / name).read_bytes() for name in NAMES if (folder / name).is_file()}
    except OSError as error:
        raise CheckpointError(
            f"The tokenizer in {str(folder)[:255]} cannot be read ({error.strerror}); check the folder."
        ) from error
