"""Figures of a study as plots; a point that stands for cases carries their numbers, and leads to them."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from app.insights.figures import StudyFigures
from app.insights.opinions import CONDITIONS, Readings
from app.insights.shift import ALL
from app.insights.tables import share_told, told
from app.theme import SURFACE

COLOURS = ("#e69f00", "#56b4e9", "#2fbf8f", "#f0e442", "#d98bb9", "#ff8652", "#e6e9ed")
"""Of readers, in their order; after Okabe & Ito, so that colour-blind readers can tell them apart on dark."""
DASHES = {"unaided": "dot", "first": "dot", "aided": "solid", "second": "solid"}
SYMBOLS = {"unaided": "circle-open", "first": "circle-open", "aided": "circle", "second": "circle"}
FONT = "system-ui, -apple-system, 'Segoe UI', sans-serif"


def curves_plot(figures: StudyFigures, finding: str, kind: str) -> go.Figure:
    """Curves of one kind: a colour for each reader, dotted without the model. Points lead to their cases."""
    chosen = [item for item in figures.curves if (item.finding, item.kind) == (finding, kind)]
    colour = _colours([item.reader for item in chosen])
    plot = go.Figure()
    for item in chosen:
        points = item.points
        plot.add_scatter(
            x=[point.x for point in points],
            y=[point.y for point in points],
            customdata=[list(point.cases) for point in points],
            hovertext=[_from(point.rating, point.cases) for point in points],
            mode="lines+markers",
            name=f"{item.reader}, {item.condition}: {told(item.area)}",
            line={"color": colour[item.reader], "dash": DASHES[item.condition]},
        )
        if kind != "ROC":
            plot.add_scatter(
                x=[points[-1].x, 1],
                y=[points[-1].y, 1],
                mode="lines",
                line={"color": colour[item.reader], "dash": "dash", "width": 1},
                hoverinfo="skip",
                showlegend=False,
            )
    axes = (
        ("false positive rate", "sensitivity")
        if kind == "ROC"
        else ("false positive rate (normal cases with a box)", "share of true boxes found")
    )
    return _titled(plot, f"{kind} of {finding}", *axes, x=(0, 1), y=(0, 1))


def scores_plot(readings: Readings, finding: str) -> go.Figure:
    """Every reading's rating by case; cases with the finding first, then those without, then unknown ones."""
    every = [readings.of(finding, condition) for condition in CONDITIONS]
    cases = sorted({case for opinions in every for case in opinions.cases})

    def place(case: int) -> tuple[int, int]:
        truth = readings.truths.get((case, finding))
        return (2 if truth is None else int(not truth.present)), case

    kinds = ("with the finding", "without", "truth unknown")
    order = sorted(cases, key=place)
    colour = _colours(readings.data.readers)
    plot = go.Figure()
    for opinions in every:
        for reader in opinions.readers:
            marks = opinions.of_reader(reader, [case for case in order if (reader, case) in opinions.marks])
            plot.add_scatter(
                x=[str(mark.case) for mark in marks],
                y=[mark.score for mark in marks],
                customdata=[[mark.case] for mark in marks],
                hovertext=[
                    f"case {mark.case}, {kinds[place(mark.case)[0]]}: {mark.presence}" for mark in marks
                ],
                mode="markers",
                name=f"{reader}, {opinions.condition}",
                marker={
                    "color": colour.get(reader, COLOURS[-1]),
                    "symbol": SYMBOLS[opinions.condition],
                    "size": 9,
                },
            )
    plot.update_xaxes(type="category", categoryorder="array", categoryarray=[str(case) for case in order])
    present = sum(place(case)[0] == 0 for case in order)
    if 0 < present < len(order):
        plot.add_vline(x=present - 0.5, line={"dash": "dash", "color": "#888888"})
    return _titled(plot, f"Ratings of {finding}", "case (with the finding first)", "rating", y=(0, 100))


def agreement_plot(figures: StudyFigures) -> go.Figure:
    """Fleiss' kappa and AC1 of every finding and condition, with intervals."""
    plot = go.Figure()
    names = [f"{item.finding}, {item.condition}" for item in figures.agreements]
    for number, (name, told_of) in enumerate(
        (
            ("Fleiss' kappa", [item.fleiss for item in figures.agreements]),
            ("Gwet's AC1", [item.ac1 for item in figures.agreements]),
        )
    ):
        values = [figure.value for figure in told_of]
        edges = [(value, *figure.ci) for value, figure in zip(values, told_of, strict=True)]
        plot.add_scatter(
            x=values,
            y=names,
            mode="markers",
            name=name,
            marker={"color": COLOURS[number], "size": 10},
            hovertext=[told(figure) for figure in told_of],
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [_length(value, high) for value, _, high in edges],
                "arrayminus": [_length(low, value) for value, low, _ in edges],
            },
        )
    return _titled(plot, "Agreement beyond chance", "coefficient (95 % CI)", "", x=(-1, 1))


def shift_plot(figures: StudyFigures, finding: str) -> go.Figure:
    """From without the model to with it: each reader's sensitivity and false positive rate, as an arrow."""
    plot = go.Figure()
    readers = [item.reader for item in figures.shifts if item.finding == finding]
    colour = _colours(readers)
    for (reader, before, after), measures in _by_reader(figures, finding).items():
        if set(measures) != {"sensitivity", "specificity"}:
            continue
        x = [1 - value for value in measures["specificity"]]
        plot.add_scatter(
            x=x,
            y=list(measures["sensitivity"]),
            mode="lines+markers",
            name=f"{reader}, {before} to {after}",
            line={"color": COLOURS[-1] if reader == ALL else colour[reader]},
            marker={"symbol": ["circle-open", "circle"], "size": 11},
        )
    return _titled(
        plot,
        f"What seeing the model changes: {finding}",
        "false positive rate",
        "sensitivity",
        x=(0, 1),
        y=(0, 1),
    )


def calibration_plot(figures: StudyFigures, finding: str) -> go.Figure:
    """How often the finding is there, by rating; on the line, ratings are true."""
    plot = go.Figure()
    chosen = [item for item in figures.calibrations if item.finding == finding]
    colour = _colours([item.reader for item in chosen])
    plot.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": "#888888", "dash": "dash"}, showlegend=False
    )
    for item in chosen:
        plot.add_scatter(
            x=[part.stated for part in item.bins],
            y=[part.observed.value for part in item.bins],
            hovertext=[share_told(part.observed) for part in item.bins],
            mode="lines+markers",
            name=f"{item.reader}, {item.condition}",
            line={"color": colour[item.reader], "dash": DASHES[item.condition]},
        )
    return _titled(
        plot,
        f"Calibration of ratings: {finding}",
        "rating / 100",
        "share with the finding",
        x=(0, 1),
        y=(0, 1),
    )


def times_plot(readings: Readings) -> go.Figure:
    """Active seconds of every reading, by reader and condition."""
    plot = go.Figure()
    for number, condition in enumerate(readings.conditions):
        seconds: dict[tuple[str, int], float] = {}
        for finding in readings.findings:
            for (reader, case), mark in readings.of(finding, condition).marks.items():
                seconds[reader, case] = mark.seconds
        plot.add_box(
            x=[reader for reader, _ in seconds],
            y=list(seconds.values()),
            customdata=[[case] for _, case in seconds],
            hovertext=[f"case {case}" for _, case in seconds],
            boxpoints="all",
            name=condition,
            marker={"color": COLOURS[number]},
        )
    plot.update_layout(boxmode="group")
    return _titled(plot, "Reading time", "", "active seconds", y=None)


def _by_reader(
    figures: StudyFigures, finding: str
) -> dict[tuple[str, str, str], dict[str, tuple[float, float]]]:
    values: dict[tuple[str, str, str], dict[str, tuple[float, float]]] = {}
    for item in figures.shifts:
        if (
            item.finding == finding
            and item.value_before.value is not None
            and item.value_after.value is not None
        ):
            place = values.setdefault((item.reader, item.before, item.after), {})
            place[item.measure] = item.value_before.value, item.value_after.value
    return values


def _from(rating: float, cases: Sequence[int]) -> str:
    if not cases:
        return "nothing is called"
    named = ", ".join(map(str, cases[:12])) + (", ..." if len(cases) > 12 else "")
    return f"from rating {rating:g}; case{'s' * (len(cases) > 1)} {named}"


def _length(low: float | None, high: float | None) -> float:
    return 0.0 if low is None or high is None else high - low


def _colours(readers: Sequence[str]) -> dict[str, str]:
    named = dict.fromkeys(reader for reader in readers if reader != ALL)
    return {reader: COLOURS[number % len(COLOURS)] for number, reader in enumerate(named)}


def _titled(
    plot: go.Figure,
    title: str,
    x_title: str,
    y_title: str,
    *,
    x: tuple[float, float] | None = None,
    y: tuple[float, float] | None = None,
) -> go.Figure:
    plot.update_layout(
        title=title,
        template="plotly_dark",
        paper_bgcolor=SURFACE,
        plot_bgcolor=SURFACE,
        font={"family": FONT},
        height=460,
        hovermode="closest",
    )
    margin = 0.02
    for axes, text, ends in ((plot.update_xaxes, x_title, x), (plot.update_yaxes, y_title, y)):
        axes(title=text)
        if ends is not None:
            room = margin * (ends[1] - ends[0])
            axes(range=[ends[0] - room, ends[1] + room])
    return plot
