"""A data argument of the command line to its adapter: a folder that is recognised by its files, or
NAME:FOLDER, with @SPLIT at its end if it has a split of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from patchclip.data.findings import NIH_FINDINGS
from patchclip.data.remarks import check_left_out
from patchclip.errors import DataError
from patchclip.text.vocabulary import Vocabulary
from trainer.data.adapters.chestxdet import read_chestxdet
from trainer.data.adapters.chexlocalize import read_chexlocalize
from trainer.data.adapters.chexpert import read_chexpert
from trainer.data.adapters.feedback import read_feedback
from trainer.data.adapters.mimic import read_mimic
from trainer.data.adapters.nih import read_nih
from trainer.data.adapters.openi import read_openi
from trainer.data.adapters.padchest import read_padchest
from trainer.data.adapters.rsna import read_rsna
from trainer.data.adapters.siim import read_siim
from trainer.data.adapters.vindr import read_vindr
from trainer.data.contents import MISSING, Contents
from trainer.data.folder import read_folder
from trainer.data.shards import read_shards
from trainer.data.tables import find_file

FOLDER, FEEDBACK = "folder", "feedback"


@dataclass(frozen=True, slots=True)
class Adapter:
    """A dataset's reader, and the files that tell its folder: all of one of the groups must be there."""

    read: Callable[..., Contents]
    markers: tuple[tuple[str, ...], ...]

    def recognises(self, folder: Path) -> bool:
        """Whether the folder is one of this dataset."""
        return any(all(find_file(folder, pattern) for pattern in group) for group in self.markers)


ADAPTERS = {
    FOLDER: Adapter(read_folder, (("images.csv",),)),
    "shards": Adapter(read_shards, (("shards.json",),)),
    "nih": Adapter(read_nih, (("Data_Entry_2017*.csv*",),)),
    "rsna": Adapter(read_rsna, (("stage_2_train_labels.csv",),)),
    "vindr": Adapter(
        read_vindr, (("annotations/image_labels_train.csv",), ("annotations/image_labels_test.csv",))
    ),
    "siim": Adapter(read_siim, (("train-rle.csv",),)),
    "mimic": Adapter(read_mimic, (("mimic-cxr-2.*-split.csv*",),)),
    "chexpert": Adapter(read_chexpert, (("train.csv", "valid.csv"),)),
    "chexlocalize": Adapter(
        read_chexlocalize, (("gt_segmentations_*.json",), ("CheXlocalize/gt_segmentations_*.json",))
    ),
    "chestxdet": Adapter(read_chestxdet, (("ChestX_Det_*.json",), ("train.json", "test.json"))),
    "padchest": Adapter(read_padchest, (("grounded_reports_*.json",),)),
    "openi": Adapter(read_openi, (("ecgen-radiology/*.xml",), ("indiana_reports.csv",))),
}
_NAMES = f"{', '.join(ADAPTERS)} as NAME:FOLDER, or {FEEDBACK}:DATABASE[:FOLDER]"


@dataclass(frozen=True, slots=True)
class Source:
    """What a data argument names.

    Attributes:
        name: of the adapter.
        folder: of the dataset; of the images, for feedback, or the database itself where none is named.
        database: of feedback, else None.
        split: of this source alone, else None.
    """

    name: str
    folder: Path
    database: Path | None = None
    split: str | None = None

    @property
    def images(self) -> Path | None:
        """The folder of images that were judged; None for those of the studies."""
        return None if self.folder == self.database else self.folder

    @property
    def title(self) -> str:
        """What a run's record calls it, without its place on the machine; a dataset folder by its own name,
        as in `data.labelled`."""
        return self.folder.name if self.name == FOLDER else f"{self.name}:{self.folder.name}"


def find_source(spec: str | Path) -> Source:
    """Finds out what a data argument names.

    Args:
        spec: a folder; NAME:FOLDER; feedback:DATABASE:FOLDER, or feedback:DATABASE for the images of its
            studies, where they lie. Each may end in @SPLIT, but the last; a folder whose own name ends so is
            taken as it is.

    Raises:
        DataError: there is no such folder, or it is of no supported dataset, or of more than one.
    """
    name, _, rest = str(spec).partition(":")
    if name == FEEDBACK and rest:
        database, _, images = rest.partition(":")
        if not database:
            raise DataError(f'"{spec}" names no database; write {FEEDBACK}:DATABASE or with :FOLDER.')
        folder, split = _parted(images) if images else (Path(database), None)
        return Source(FEEDBACK, folder, Path(database), split)
    folder, split = _parted(rest if name in ADAPTERS and rest else str(spec))
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}; check the path. Supported datasets are {_NAMES}.")
    if name in ADAPTERS and rest:
        return Source(name, folder, split=split)
    recognised = [name for name, adapter in ADAPTERS.items() if adapter.recognises(folder)]
    if FOLDER in recognised:  # what was written for this project outweighs the files that it was made from
        return Source(FOLDER, folder, split=split)
    if len(recognised) != 1:
        what = (
            f"has files of several datasets ({', '.join(recognised)})"
            if recognised
            else "is no dataset that is recognised by its files"
        )
        raise DataError(f"{folder} {what}; name one of {_NAMES}.")
    return Source(recognised[0], folder, split=split)


def _parted(text: str) -> tuple[Path, str | None]:
    """The folder and the split of FOLDER@SPLIT."""
    folder, _, split = text.rpartition("@")
    if split and Path(folder).is_dir() and folder and not Path(text).exists():
        return Path(folder), split
    return Path(text), None


def read_source(
    spec: str | Path,
    split: str,
    labels: frozenset[str],
    labelled: Sequence[str] | None = None,
    *,
    vocabulary: Vocabulary | None = None,
    allow_missing: bool = False,
) -> Contents:
    """Reads one split of whatever a data argument names.

    Args:
        spec: see `find_source`.
        split: as the dataset calls it, unless `spec` names its own; "val" stands for every spelling of
            validation.
        labels: those that the vocabulary has.
        labelled: findings that a dataset folder's `labels` speak of, where these are not NIH's fourteen.
        vocabulary: whose synonyms a dataset folder may use.
        allow_missing: leave out any number of images that are not there, rather than at most 1 %.

    Raises:
        DataError: nothing can be read, or too much of it is missing; says what is wrong where.
    """
    source = find_source(spec)
    split = source.split or split
    if source.name == FOLDER:
        return read_folder(
            source.folder,
            split,
            labels=labels,
            labelled=NIH_FINDINGS if labelled is None else labelled,
            vocabulary=vocabulary,
            allow_missing=allow_missing,
        )
    if labelled is not None:
        raise DataError(
            f"data.labelled speaks of {source.title}, whose adapter knows its findings; only a dataset "
            "folder may have an entry."
        )
    if source.database is not None:
        return read_feedback(source.database, source.images, split, labels=labels)
    contents = ADAPTERS[source.name].read(source.folder, split, labels=labels)
    if contents.missing:
        first = next(line for line in contents.left_out if line.endswith(MISSING))
        check_left_out(
            contents.missing,
            len(contents.samples) + contents.missing,
            f"{source.folder}, {first}",
            allow_missing,
        )
    return contents
