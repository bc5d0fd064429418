"""What each command of the trainer does, from its parsed flags."""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from patchclip.data.folder import check_left_out
from patchclip.data.tables import read_json
from patchclip.errors import CheckpointError, DataError
from patchclip.image.gate import ImageGate
from patchclip.model.checkpoint import load_checkpoint, save_checkpoint
from patchclip.model.patchclip import PatchCLIP
from patchclip.resources import VOCABULARY
from patchclip.text.scope import QueryGate
from patchclip.text.vocabulary import Vocabulary
from trainer.calibrate.calibration import OperatingPoint, fit_calibration, trained_branches
from trainer.card import fill
from trainer.config import DataConfig, FitConfig, read_recipe
from trainer.data.checks import check_classes, check_loaded, check_sides, unknown_patients, without_copies
from trainer.data.contents import Contents
from trainer.data.loaded import Loaded, load_samples
from trainer.data.sample import Sample
from trainer.data.sources import find_source, read_source
from trainer.data.split import hold_out
from trainer.fit.distributed import Processes, join
from trainer.fit.loop import TrainingData, fit
from trainer.fit.precision import chosen_precision
from trainer.fit.run_folder import fingerprint
from trainer.fit.validation import dev_logits, figures_from_logits
from trainer.gate.fit import FEWEST, fit_image_gate, some
from trainer.gate.fit import SIDE as GATE_SIDE
from trainer.gate.measure import markdown, measure_images, measure_queries
from trainer.objective.total import PromptBank


def fit_command(options: argparse.Namespace) -> None:
    """Trains, then calibrates the best checkpoint in place."""
    config = FitConfig.from_dict(_changed(read_recipe(options.recipe), options.set))
    processes = join()
    vocabulary = Vocabulary.from_json(options.vocabulary or VOCABULARY)
    check_sides(config.augment, vocabulary)
    contents = _read(options, options.split, vocabulary, config.data)
    samples, left_out = contents.samples, list(contents.left_out)
    train, dev = hold_out(samples, config.data.dev_fraction, config.seed, config.data.dev_offset)
    if not train:
        raise DataError(
            "Nothing is left to train on after holding out patients; lower data.dev_fraction or add data."
        )
    one_class = check_classes(train, vocabulary.labels)
    if options.cache and not processes.first:
        processes.wait()  # for the first one to have filled the cache
    loaded, broken = load_samples(
        train, round(config.model.image_size * config.data.cache_margin), options.cache
    )
    held, broken_held = load_samples(dev, config.model.image_size, options.cache)
    if options.cache and processes.first:
        processes.wait()
    check_loaded(loaded, held, len(dev), vocabulary.labels, [*broken, *broken_held])
    _check_broken(contents, [*broken, *broken_held], len(samples), options)
    loaded, copies = without_copies(loaded, held)
    if not loaded:
        raise DataError("Every training image has the same pixels as a held-out one; remove the copies.")
    left_out += [*broken, *broken_held, *copies]
    if processes.first:
        _print_reading(contents.notes, left_out)
        for line in [*unknown_patients(samples), *([one_class] if one_class else [])]:
            print(line)
        print(
            f"{len(loaded)} images to train on, {len(held)} held out, {len(left_out)} left out, {len(copies)} of them copies",
            flush=True,
        )
    record = _record(config, samples, left_out, options, processes)
    data = TrainingData(loaded, held)
    fit(
        config,
        data,
        vocabulary,
        options.out,
        processes,
        resume=options.resume,
        record=record,
        left_out=left_out,
    )
    if processes.first and held:
        _calibrate(options.out, config, held, loaded, OperatingPoint(), processes)


def calibrate(options: argparse.Namespace) -> None:
    """Fits calibration anew on the patients that the run held out."""
    record = read_json(options.folder / "config.json", dict)
    if not isinstance(record.get("recipe"), dict) or not isinstance(record.get("split"), str):
        raise DataError(
            f"{options.folder / 'config.json'} is no record of a run; name the folder that fit wrote."
        )
    config = FitConfig.from_dict(record["recipe"])
    checkpoint = load_checkpoint(options.folder / "best")
    contents = _read(options, record["split"], checkpoint.vocabulary, config.data)
    train, dev = hold_out(contents.samples, config.data.dev_fraction, config.seed, config.data.dev_offset)
    held, broken = load_samples(dev, config.model.image_size)
    loaded, broken_train = load_samples(some(train), GATE_SIDE)
    _print_reading(contents.notes, [*contents.left_out, *broken, *broken_train])
    if not held:
        raise DataError(
            "No held-out image can be read; calibrate a run whose data.dev_fraction is above 0, on the data it was trained on."
        )
    point = OperatingPoint(options.normals_lit, options.smoothing, options.min_patches)
    _calibrate(options.folder, config, held, without_copies(loaded, held)[0], point, join())


def gates(options: argparse.Namespace) -> None:
    """Fits both gates of a checkpoint anew, and lets it understand the wordings that the vocabulary has learnt since; the weights stay."""
    checkpoint = load_checkpoint(options.checkpoint)
    newer = Vocabulary.from_json(options.vocabulary or VOCABULARY)
    vocabulary = newer if newer.same_prompts(checkpoint.vocabulary) else checkpoint.vocabulary
    if vocabulary is not newer:
        print(
            "the checkpoint keeps its own vocabulary: its findings or prompts differ from those of the file"
        )
    contents = _read(options, options.split, vocabulary, DataConfig())
    chosen = some(contents.samples)
    train, broken = load_samples(chosen, GATE_SIDE)
    _print_reading(contents.notes, [*contents.left_out, *broken])
    _check_broken(contents, broken, len(chosen), options)
    fitted = {**checkpoint.gates, **_gates(checkpoint.model, vocabulary, train)}
    save_checkpoint(options.checkpoint, checkpoint.model, vocabulary, checkpoint.calibration, fitted)
    print(
        f"{options.checkpoint}: {checkpoint.model.config.name} {load_checkpoint(options.checkpoint).sha256}"
    )


def evaluate_gates(options: argparse.Namespace) -> None:
    """Measures both gates of a checkpoint on a split that it was not trained on; prints a table, and writes it all as JSON if told."""
    checkpoint = load_checkpoint(options.checkpoint)
    if "image" not in checkpoint.gates or "query" not in checkpoint.gates:
        raise CheckpointError(f"{options.checkpoint} lacks a gate; fit both with python -m trainer gates.")
    side, vocabulary = checkpoint.model.config.image_size, checkpoint.vocabulary
    query_gate = QueryGate.from_dict(checkpoint.gates["query"], vocabulary, checkpoint.model.sentence_encoder)
    queries = {file.name: measure_queries(query_gate, vocabulary, file) for file in options.queries}
    contents = _read(options, options.split, vocabulary, DataConfig())
    items, broken = load_samples(contents.samples, side)
    _print_reading(contents.notes, [*contents.left_out, *broken])
    if not items:
        raise DataError("No image of the split can be read; check the image files.")
    _check_broken(contents, broken, len(contents.samples), options)
    record = {
        "model": {"name": checkpoint.model.config.name, "sha256": checkpoint.sha256},
        "data": {
            "folders": [find_source(source).title for source in options.data],
            "split": "+".join(
                dict.fromkeys(find_source(source).split or options.split for source in options.data)
            ),
        },
        "images": measure_images(ImageGate.from_dict(checkpoint.gates["image"]), items, side),
        "queries": queries,
    }
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(markdown(record), end="")


def export(options: argparse.Namespace) -> None:
    """Copies the best checkpoint after reading it once, so that a damaged one is never shipped."""
    checkpoint = load_checkpoint(options.folder / "best")
    options.out.mkdir(parents=True, exist_ok=True)
    for file in sorted((options.folder / "best").iterdir()):
        shutil.copy2(file, options.out / file.name)
    print(f"{options.out}: {checkpoint.model.config.name} {checkpoint.sha256}")


def card(options: argparse.Namespace) -> None:
    """Fills a model card, and a README if told; prints what was written."""
    for path in fill(options.checkpoint, options.report, options.readme):
        print(f"{path} written")


def evaluate_data(options: argparse.Namespace) -> None:
    """Reads every image once; prints counts and everything that would be left out."""
    contents = _read(options, options.split, Vocabulary.from_json(VOCABULARY), DataConfig())
    samples, left_out = contents.samples, contents.left_out
    loaded, broken = load_samples(samples, 64)
    _print_reading(contents.notes, [*left_out, *broken])
    states = Counter((label, state.value) for item in loaded for label, state in item.sample.states.items())
    shapes = Counter(shape.label for item in loaded for shape in item.sample.shapes)
    print(
        f"{len(loaded)} images of {len({(s.source, s.patient or s.path.name) for s in samples})} patients; {len(left_out) + len(broken)} left out"
    )
    print(f"{'finding':<20}{'present':>9}{'absent':>9}{'not mentioned':>15}{'outlines':>10}")
    for label in sorted({label for label, _ in states}):
        counts = [states[label, state] for state in ("present", "absent", "not mentioned")]
        print(f"{label:<20}{counts[0]:>9}{counts[1]:>9}{counts[2]:>15}{shapes[label]:>10}")
    _check_broken(contents, broken, len(samples), options)


def _calibrate(
    out: Path,
    config: FitConfig,
    held: list[Loaded],
    train: list[Loaded],
    point: OperatingPoint,
    processes: Processes,
) -> None:
    checkpoint = load_checkpoint(out / "best")
    model = checkpoint.model.to(processes.device)
    bank = PromptBank(model, checkpoint.vocabulary, checkpoint.vocabulary.labels).to(processes.device)
    point = replace(point, mirror=config.augment.mirror > 0)
    logits = dev_logits(model, bank, held, config.model.image_size, processes.device, mirror=point.mirror)
    labels = list(checkpoint.vocabulary.labels)
    calibration = fit_calibration(logits, held, labels, trained_branches(config.loss), point, train)
    fitted = {**checkpoint.gates, **_gates(model, checkpoint.vocabulary, train)}
    save_checkpoint(out / "best", model.cpu(), checkpoint.vocabulary, calibration, fitted)
    figures = figures_from_logits(logits, held, labels)
    print("held out: " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()))


def _gates(model: PatchCLIP, vocabulary: Vocabulary, train: list[Loaded]) -> dict[str, Any]:
    """Both gates as a checkpoint keeps them; that of images only where there are enough of them."""
    fitted = {"query": QueryGate.fit(vocabulary, model.sentence_encoder).to_dict()}
    image_gate = fit_image_gate(train)
    if image_gate is None:
        print(f"no image gate: {len(train)} images to learn from, {FEWEST} are needed")
        return fitted
    return fitted | {"image": image_gate.to_dict()}


def _read(options: argparse.Namespace, split: str, vocabulary: Vocabulary, config: DataConfig) -> Contents:
    """All sources together."""
    parts = [
        read_source(
            source,
            split,
            frozenset(vocabulary.labels),
            config.labelled.get(find_source(source).title),
            vocabulary=vocabulary,
            allow_missing=options.allow_missing,
        )
        for source in options.data
    ]
    return Contents(
        tuple(sample for part in parts for sample in part.samples),
        tuple(line for part in parts for line in part.left_out),
        tuple(line for part in parts for line in part.notes),
        sum(part.missing for part in parts),
    )


def _check_broken(contents: Contents, broken: Sequence[str], total: int, options: argparse.Namespace) -> None:
    """Whether the images that are missing or cannot be read are few; `total` of those that are there were to be read."""
    if broken:
        lost = len(broken) + contents.missing
        check_left_out(lost, total + contents.missing, broken[0], options.allow_missing)


def _print_reading(notes: Sequence[str], left_out: Sequence[str]) -> None:
    """What was read otherwise than written, and what was not read."""
    for line in notes:
        print(f"note: {line}")
    for line in left_out:
        print(f"left out: {line}")


def _changed(recipe: dict[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    for change in changes:
        path, _, value = change.partition("=")
        section, _, name = path.rpartition(".")
        try:
            parsed = json.loads(value)
        except ValueError as error:
            raise DataError(
                f'"--set {change}" is not SECTION.FIELD=JSON; write, for example, --set optim.batch_size=8.'
            ) from error
        fields = recipe.setdefault(section, {}) if section else recipe
        if not isinstance(fields, dict):
            raise DataError(
                f'The recipe\'s "{section}" has no fields, so "--set {change}" cannot set one; correct it.'
            )
        fields[name] = parsed
    return recipe


def _record(
    config: FitConfig,
    samples: Sequence[Sample],
    left_out: Sequence[str],
    options: argparse.Namespace,
    processes: Processes,
) -> dict[str, object]:
    """Everything needed to know what a run was: recipe, data fingerprint, code revision, environment."""
    return {
        "recipe": config.to_dict(),
        "split": options.split,
        "data": {
            "folders": [find_source(source).title for source in options.data],
            "splits": [find_source(source).split or options.split for source in options.data],
            "images": len(samples),
            "left_out": len(left_out),
            "sha256": fingerprint(samples),
        },
        "revision": _revision(),
        "environment": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "timm", "open_clip_torch", "numpy")},
        },
        "threads": torch.get_num_threads(),
        "device": processes.device.type,
        "precision": chosen_precision(config.optim.precision, processes.device),
    }


def _revision() -> str:
    """Of the code, where it is a working copy and git is installed."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).parent,
        )
    except OSError:
        return "unknown"
    return found.stdout.strip() or "unknown"
