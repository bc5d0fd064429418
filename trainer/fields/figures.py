"""The measured figures of the lung network as a table."""

from __future__ import annotations

from typing import Any

import numpy as np


def markdown(record: dict[str, Any]) -> str:
    """The figures as Markdown tables; brackets hold 95 % intervals."""
    rows = [
        f"| No lungs found, {name} | {_percent(value)} | | {value['n']:,} |"
        for name, value in record["no_lungs"].items()
    ]
    for name, figures in record.get("teacher", {}).items():
        rows += [
            f"| Dice with the teacher's lungs, {name} | {_plain(figures['dice'])} | "
            f"| {figures['dice']['n']} |",
            f"| IoU of the six zones with the teacher's frame, {name} | {_plain(figures['zones_iou'])} "
            f"| {_plain(figures['zones_iou_thirds'])} | {figures['zones_iou']['n']} |",
        ]
    if sides := record.get("sides"):
        rows.append(
            f"| Boxes of lung findings put on the side of the teacher's lung | {_percent(sides['frame'])} "
            f"| {_percent(sides['halves'])} | {sides['frame']['n']} |"
        )
    for words, figures in record["boxes"].items():
        halves = _percent(figures["halves"]) if "halves" in figures else ""
        rows.append(f"| Boxes: {words} | {_percent(figures['frame'])} | {halves} | {figures['frame']['n']} |")
    if others := record.get("lungs_on_others"):
        worst = max(others, key=lambda family: float(others[family]["value"]))
        mean = float(np.mean([value["value"] for value in others.values()]))
        rows += [
            f"| Lungs found on pictures of {len(others)} other kinds | {100 * mean:.1f} % | "
            f"| {sum(value['n'] for value in others.values())} |",
            f"| The worst of these kinds: {worst} | {_percent(others[worst])} | | {others[worst]['n']} |",
        ]
    head = ["| | By the frame | By halves and thirds of the image | n |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *rows]) + "\n"


def _percent(figure: dict[str, Any]) -> str:
    low, high = figure["ci"]
    return f"{100 * figure['value']:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def _plain(figure: dict[str, Any]) -> str:
    low, high = figure["ci"]
    return f"{figure['value']:.3f} ({low:.3f} to {high:.3f})"
