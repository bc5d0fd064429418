"""A hit's map as a plot, in pixels of its film, which is not needed for it."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from app.insights.plots import COLOURS, FONT
from patchclip.search.searcher import Hit


def hit_plot(hit: Hit) -> go.Figure:
    """The maps of what a hit answers, one over the other by their highest value, and the lit regions."""
    height, width = hit.encoded.size
    first = hit.answers[0].map
    rows, cols = first.values.shape
    x0, y0, x1, y1 = first.extent
    values = np.maximum.reduce([answer.map.values for answer in hit.answers])
    plot = go.Figure()
    plot.add_heatmap(
        z=values,
        x=[x0 + (column + 0.5) / cols * (x1 - x0) for column in range(cols)],
        y=[y0 + (row + 0.5) / rows * (y1 - y0) for row in range(rows)],
        zmin=0,
        zmax=1,
        colorscale="Inferno",
        colorbar={"title": "probability"},
    )
    for number, answer in enumerate(hit.answers):
        for region in answer.regions:
            right, bottom = region.x + region.w, region.y + region.h
            plot.add_scatter(
                x=[region.x, right, right, region.x, region.x],
                y=[region.y, region.y, bottom, bottom, region.y],
                mode="lines",
                name=answer.finding,
                showlegend=False,
                line={"color": COLOURS[number % len(COLOURS)], "width": 2},
            )
    plot.update_xaxes(range=[0, width], visible=False, constrain="domain")
    plot.update_yaxes(range=[height, 0], visible=False, scaleanchor="x", constrain="domain")
    names = ", ".join(dict.fromkeys(answer.finding for answer in hit.answers))
    plot.update_layout(
        title=f"Stored map of {names}",
        template="plotly_dark",
        font={"family": FONT},
        height=560,
        margin={"l": 10, "r": 10, "t": 50, "b": 10},
    )
    return plot
