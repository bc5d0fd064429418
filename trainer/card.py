"""Figures of an evaluation into a model card and a README, between their marks: nobody copies a number by
hand."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from patchclip.errors import DataError
from patchclip.evaluate.render.markdown import markdown, summary_parts
from patchclip.evaluate.report import Report
from patchclip.model.checkpoint import load_checkpoint
from trainer.gate.measure import markdown as gates_markdown

FIGURES, GATES = "figures", "gates"


def fill(checkpoint: Path, report: Path, readme: Path | None = None) -> list[Path]:
    """Puts a report's figures beside a checkpoint and into its card.

    Writes SPLIT_metrics.json and SPLIT_froc.png into the checkpoint's folder, the block "figures" of its
    MODEL_CARD.md, the block "gates" if there is a SPLIT_gates.json (see `python -m trainer evaluate-gates`),
    and the block "figures" of a README, which gets the headline and the picture.

    Args:
        checkpoint: folder with MODEL_CARD.md.
        report: folder of an evaluate run of this checkpoint.
        readme: to fill, too.

    Returns:
        The files that were written.

    Raises:
        DataError: the report is of another checkpoint, incomplete, or a text has no such block.
    """
    try:
        record: dict[str, Any] = json.loads((report / "figures.json").read_text(encoding="utf-8"))
        evaluation = Report.from_json(record)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{report} holds no figures.json; run python -m patchclip evaluate with --out {report.name}."
        ) from error
    sha256 = load_checkpoint(checkpoint).sha256
    if evaluation.model.sha256 != sha256:
        raise DataError(
            f"The report in {report.name} is of another checkpoint ({evaluation.model.sha256[:8]}); "
            f"evaluate {sha256[:8]} first."
        )
    split, card = evaluation.data.split, checkpoint / "MODEL_CARD.md"
    figures, picture, gates = (
        checkpoint / f"{split}_{name}" for name in ("metrics.json", "froc.png", "gates.json")
    )
    texts = {card: replace_block(_text(card), FIGURES, markdown(evaluation), card)}
    if gates.is_file():
        texts[card] = replace_block(texts[card], GATES, gates_markdown(json.loads(_text(gates))), card)
    if readme is not None:
        link = picture.resolve().relative_to(readme.resolve().parent).as_posix()
        texts[readme] = replace_block(_text(readme), FIGURES, summary(evaluation, link), readme)
    figures.write_text(json.dumps(record, separators=(",", ":")) + "\n", encoding="utf-8")
    shutil.copyfile(report / "froc.png", picture)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return [figures, picture, *texts]


def summary(report: Report, picture: str) -> str:
    """What a README says: on what the figures stand, the command, the headline, and the operating curves."""
    curves = f"![Operating curves of the patch map and of saliency, by finding]({picture})"
    return "\n\n".join((*summary_parts(report), curves))


def replace_block(text: str, name: str, content: str, path: Path) -> str:
    """`text` with what stands between <!-- name --> and <!-- /name --> replaced.

    Raises:
        DataError: it does not have exactly one such block.
    """
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)", flags=re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise DataError(
            f"{path.name} must have one block between <!-- {name} --> and <!-- /{name} -->; add the two "
            "lines."
        )
    return pattern.sub(lambda match: match[1] + content.strip() + match[2], text)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path} cannot be read; it is where the figures belong.") from error
