"""python -m app study COMMAND: reader studies from the command line."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.insights.again import analyse_package
from app.study.commands import add_commands
from app.study.ratings import read_ratings
from patchclip.evaluate.mrmc import Analysis, Interval, Ratings, StudyResult, analyse
from patchclip.files import atomic

NOTICE = "Research use only, not for clinical use"


def main(arguments: Sequence[str]) -> int:
    """Runs one command; returns the exit status.

    Raises:
        PatchClipError: it cannot be done, in one sentence.
    """
    options = make_parser().parse_args(arguments)
    result: int = options.run(options)
    return result


def make_parser() -> argparse.ArgumentParser:
    """All commands with their flags."""
    parser = argparse.ArgumentParser(prog="python -m app study", description=f"Reader studies. {NOTICE}.")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser(
        "analyse", help="the figures of a study's data package, or the multi-reader analysis of ratings"
    )
    source = command.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--readings",
        type=Path,
        metavar="FILE",
        help="CSV with reader, treatment (or arm), case, truth (0 or 1), rating: do the arms differ?",
    )
    source.add_argument(
        "--package",
        type=Path,
        metavar="FILE",
        help="data package of a study, of which every figure is computed anew",
    )
    command.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder of analysis.json or figures.json"
    )
    command.set_defaults(run=_analyse)
    add_commands(commands)
    return parser


def _analyse(options: argparse.Namespace) -> int:
    if options.package is not None:
        return analyse_package(options.package, options.out)
    ratings = read_ratings(options.readings)
    result = analyse(ratings)
    options.out.mkdir(parents=True, exist_ok=True)
    with atomic(options.out / "analysis.json") as file:
        file.write_text(json.dumps(record(ratings, result), indent=1) + "\n", encoding="utf-8")
    print(summary(ratings, result), end="")
    return 0


def record(ratings: Ratings, result: StudyResult) -> dict[str, Any]:
    """The analysis as JSON; an infinite number of degrees of freedom is null."""
    cases = len(ratings.diseased)
    covariances = result.covariances
    return {
        "notice": NOTICE,
        "data": {
            "arms": list(ratings.arms),
            "readers": list(ratings.readers),
            "cases": cases,
            "diseased": int(ratings.diseased.sum()),
        },
        "method": "Obuchowski-Rockette, empirical AUC, jackknife covariances, Hillis degrees of freedom",
        "auc": {
            arm: {
                **_figure(result.arms[i], cases),
                "readers": dict(zip(ratings.readers, result.areas[i].tolist(), strict=True)),
            }
            for i, arm in enumerate(ratings.arms)
        },
        "covariances": {
            "variance": covariances.variance,
            "cov1_same_reader_other_arm": covariances.other_arm,
            "cov2_other_reader_same_arm": covariances.other_reader,
            "cov3_other_reader_other_arm": covariances.other_both,
        },
        "analyses": {
            f"{item.readers}_readers_{item.cases}_cases": _test(item, cases) for item in result.analyses
        },
    }


def _test(item: Analysis, cases: int) -> dict[str, Any]:
    test = item.test
    return {
        "f": _finite(test.f),
        "df1": test.df1,
        "df2": _finite(test.df2),
        "p": test.p,
        "differences": [
            {"arms": list(pair.arms), **_figure(pair.area, cases), "p": pair.p} for pair in item.differences
        ],
    }


def _finite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None


def _figure(interval: Interval, n: int) -> dict[str, Any]:
    return {"value": interval.value, "ci": [interval.low, interval.high], "n": n}


def summary(ratings: Ratings, result: StudyResult) -> str:
    """What a reader of the study wants to know first."""
    cases, diseased = len(ratings.diseased), int(ratings.diseased.sum())
    lines = [f"{len(ratings.readers)} readers, {cases} cases, {diseased} diseased"]
    lines += [
        f"AUC in arm {arm}: {_words(interval)}"
        for arm, interval in zip(ratings.arms, result.arms, strict=True)
    ]
    lines += [
        f"{pair.arms[0]} less {pair.arms[1]}: {_words(pair.area, '+')}, P = {pair.p:.4f} "
        "(readers and cases like these)"
        for pair in result.analyses[0].differences
    ]
    return "\n".join([*lines, NOTICE]) + "\n"


def _words(interval: Interval, sign: str = "") -> str:
    value, low, high = (f"{number:{sign}.4f}" for number in (interval.value, interval.low, interval.high))
    return f"{value} (95 % CI {low} to {high})"
