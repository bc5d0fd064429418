"""python -m trainer ensemble: several runs' models in one, whose logits are the means of theirs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from patchclip.data.tables import read_json
from patchclip.errors import DataError
from patchclip.model.checkpoint import load_checkpoint, save_checkpoint
from patchclip.model.ensemble import ensemble_of
from trainer.fit.run_folder import run_record, write_record

HELP = "put several runs' models into one, whose logits are the means of theirs"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    parser.add_argument(
        "--run",
        dest="folders",
        type=Path,
        action="append",
        required=True,
        metavar="DIR",
        help="a run folder; once for each member",
    )
    parser.add_argument("--name", required=True, help="of the ensemble, as readers see it")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the run folder to write")


def run(options: argparse.Namespace) -> None:
    """Writes a run folder whose checkpoints hold all members; calibrate it as any other run."""
    write_ensemble(options.folders, options.name, options.out)
    print(
        f"{options.out}: {options.name}, {len(options.folders)} members; calibrate it with python -m trainer "
        "calibrate, or calibrate-as where the members held nobody out."
    )


def write_ensemble(folders: Sequence[Path], name: str, out: Path) -> None:
    """The members' best checkpoints in one, and their last ones.

    The run's record is the first member's, with the others' recipes beside it. Patients count as held out
    where all members held the same ones out; otherwise one member or another has seen everybody, and the
    record says that nobody was held out.

    Raises:
        DataError: the members learnt from other data, other findings, or by other losses.
        CheckpointError: see `load_checkpoint` and `ensemble_of`.
    """
    first = folders[0]
    for folder in folders[1:]:
        if _common(folder) != _common(first):
            raise DataError(
                f"{folder} was trained on other data or with other losses than {first}; name runs on the "
                "same data whose recipes agree in loss."
            )
    for kind in ("best", "last"):
        found = [load_checkpoint(folder / kind) for folder in folders]
        if any(item.vocabulary != found[0].vocabulary for item in found):
            raise DataError(
                f"The members of {name} know other findings or words; train them with one vocabulary."
            )
        model = ensemble_of(name, [item.model for item in found])
        save_checkpoint(out / kind, model, found[0].vocabulary, gates=found[0].gates)
    records = [read_json(folder / "config.json", dict) for folder in folders]
    record = {**records[0], "members": [item["recipe"] for item in records]}
    if len({_held_out(folder) for folder in folders}) > 1:
        recipe = records[0]["recipe"]
        record["recipe"] = {**recipe, "data": {**recipe["data"], "dev_fraction": 0.0}}
    write_record(out, record, ())


def _common(folder: Path) -> tuple[object, ...]:
    """What the members of an ensemble have in common."""
    config, split = run_record(folder)
    return split, read_json(folder / "config.json", dict).get("data", {}).get("sha256"), config.loss


def _held_out(folder: Path) -> tuple[float, ...]:
    """What decides which patients a run never saw."""
    config, _ = run_record(folder)
    data = config.data
    return (data.dev_fraction, data.dev_offset, config.seed) if data.dev_fraction else ()
