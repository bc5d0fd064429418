"""A case's film with the boxes that were drawn on it, as a plot; nothing of it is written to disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from app.drawing import picture_url
from app.insights.plots import COLOURS, FONT
from patchclip import Radiograph
from patchclip.types import Box

LONGEST_SIDE = 1200  # pixels of the picture that is sent; boxes are in original pixels whatever it is
TRUTH = "truth"


def film_plot(radiograph: Radiograph, boxes: Mapping[str, Sequence[Box]], title: str) -> go.Figure:
    """The film as the model sees it, and boxes by whose they are, those of the truth in white."""
    height, width = radiograph.size
    plot = go.Figure()
    plot.add_layout_image(
        source=picture_url(radiograph, LONGEST_SIDE),
        xref="x",
        yref="y",
        x=0,
        y=0,
        sizex=width,
        sizey=height,
        sizing="stretch",
        layer="below",
    )
    names = [name for name in boxes if name != TRUTH]
    for name, drawn in boxes.items():
        colour = "#ffffff" if name == TRUTH else COLOURS[names.index(name) % (len(COLOURS) - 1)]
        for number, box in enumerate(drawn):
            right, bottom = box.x + box.w, box.y + box.h
            plot.add_scatter(
                x=[box.x, right, right, box.x, box.x],
                y=[box.y, box.y, bottom, bottom, box.y],
                mode="lines",
                name=name,
                legendgroup=name,
                showlegend=number == 0,
                line={"color": colour, "width": 2, "dash": "dash" if name == TRUTH else "solid"},
            )
    plot.update_xaxes(range=[0, width], visible=False, constrain="domain")
    plot.update_yaxes(range=[height, 0], visible=False, scaleanchor="x", constrain="domain")
    plot.update_layout(
        title=title,
        template="plotly_dark",
        font={"family": FONT},
        height=620,
        showlegend=True,
        margin={"l": 10, "r": 10, "t": 50, "b": 10},
    )
    return plot
