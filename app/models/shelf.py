"""The models that a deployment has, and which of them answers."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from app.models.errors import ModelError
from app.models.in_use import InUse
from app.models.records import ModelRecord, Reader
from patchclip import Engine
from patchclip.execution import Execution
from patchclip.files import atomic
from patchclip.resources import ASSETS, BUNDLED, bundled_models

CHOICE = "in_use.json"
LOADED = 3
"""Engines that are kept, for studies that go on with models of their own, beside the one in use."""


class Shelf:
    """The first model, which the server was started with, another bundled one beside it if that is bundled,
    and those in the folder of models.

    Args:
        in_use: the engine that answers.
        first: folder of the first model; the bundled one if None.
        folder: of models, each in a folder of its own; None for none but the first.
        prior, execution: of the deployment, see `Engine.from_pretrained`.
    """

    def __init__(
        self,
        in_use: InUse,
        first: Path | None = None,
        folder: Path | None = None,
        prior: Sequence[str] = (),
        execution: Execution | None = None,
    ) -> None:
        self.in_use, self.folder = in_use, folder
        self._first, self._prior, self._execution = first or BUNDLED, tuple(prior), execution
        self._reader, self._lock = Reader(), Lock()
        self._loaded: OrderedDict[str, Engine] = OrderedDict({in_use.engine.sha256: in_use.engine})

    def listed(self) -> list[ModelRecord]:
        """All models: the first, then the others by name of their folders; a refused one is none."""
        folders = [self._first, *(path for path in self._bundled() if path != self._first)]
        if self.folder is not None and self.folder.is_dir():
            folders += sorted(
                path for path in self.folder.iterdir() if path.is_dir() and not path.name.startswith(".")
            )
        records = (self._reader.record(path) for path in folders)
        known: dict[str, ModelRecord] = {}
        for record in records:
            if record is not None:
                known.setdefault(record.sha256, record)
        return list(known.values())

    def _bundled(self) -> list[Path]:
        """Models that were brought along; none where a deployment begins with one of its own."""
        return bundled_models() if self._first in bundled_models() else []

    def record(self, sha256: str) -> ModelRecord:
        """Of one model.

        Raises:
            ModelError: it is not there.
        """
        found = next((item for item in self.listed() if item.sha256 == sha256), None)
        if found is None:
            raise ModelError(
                f"The model {sha256[:12]} is not in this server's folder of models; choose another one, or "
                "put it back."
            )
        return found

    def engine(self, sha256: str) -> Engine:
        """The engine of one model, loaded if it is not.

        Raises:
            ModelError: it is not there.
            CheckpointError: its files are damaged, or it cannot be computed as the deployment asks.
        """
        with self._lock:
            if self.in_use.engine.sha256 == sha256:
                return self.in_use.engine
            if sha256 not in self._loaded:
                record = self.record(sha256)
                engine = Engine.from_pretrained(
                    record.folder,
                    device=str(self.in_use.engine.device),
                    prevalence=self._prior,
                    execution=self._execution,
                )
                if engine.sha256 != sha256:
                    raise ModelError(
                        f"The model {record.name} has changed meanwhile; look at the list again."
                    )
                self._loaded[sha256] = engine
            self._loaded.move_to_end(sha256)
            while len(self._loaded) > LOADED:
                self._loaded.popitem(last=False)
            return self._loaded[sha256]

    def use(self, sha256: str) -> ModelRecord:
        """New answers are this model's from now on, after a restart too.

        Raises:
            ModelError: it is not there, or the choice cannot be kept.
            CheckpointError: its files are damaged.
        """
        record, engine = self.record(sha256), self.engine(sha256)
        if self.folder is not None:
            choice = {"name": record.name, "sha256": sha256, **self._place(record)}
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                with atomic(self.folder / CHOICE) as file:
                    file.write_text(json.dumps(choice, indent=1) + "\n", encoding="utf-8")
            except OSError as error:
                raise ModelError(
                    f"The choice cannot be kept ({error.strerror}); make the folder of models writable."
                ) from error
        self.in_use.exchange(engine)
        return record

    def _place(self, record: ModelRecord) -> dict[str, str | bool | None]:
        """The folder's name, and whether it is a bundled model's; None for the first model."""
        if record.folder == self._first:
            return {"folder": None}
        if record.folder in self._bundled():
            return {"folder": record.folder.name, "bundled": True}
        return {"folder": record.folder.name}


def chosen_checkpoint(folder: Path, first: Path | None) -> Path | None:
    """The checkpoint to start with: what was chosen in the page, else the first.

    Raises:
        ModelError: what was chosen is not there any more, or has changed.
    """
    try:
        text = (folder / CHOICE).read_text(encoding="utf-8")
    except OSError:
        return first
    lost = ModelError(
        f"The model that was chosen is not in {folder} any more, or has changed; put it back, or remove "
        f"{CHOICE} there to begin with the first one."
    )
    try:
        choice = json.loads(text)
        place, sha256 = choice["folder"], choice["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise lost from error
    if place is None:
        return first
    # A name alone: a choice leads to no other folder.
    parent = ASSETS if "bundled" in choice else folder
    record = Reader().record(parent / Path(str(place)).name)
    if record is None or record.sha256 != sha256:
        raise lost
    return record.folder
