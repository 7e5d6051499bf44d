"""What every chart looks like. Colours are CSS variables: charts.js puts in those of the light or dark theme."""

import html
from typing import Any

import plotly.graph_objects as go  # type: ignore[import-untyped]

Figure = dict[str, Any]

TEXT, LINES, BACKGROUND = "var(--bs-body-color)", "var(--bs-border-color)", "var(--bs-body-bg)"
MAIN, SECOND, GOOD, BAD, MUTED = (f"var(--chart-{name})" for name in ("main", "second", "good", "bad", "muted"))
FONT = {"color": TEXT, "family": "var(--bs-body-font-family)", "size": 13}
AXIS = {
    "gridcolor": LINES,
    "zerolinecolor": LINES,
    "fixedrange": True,
    "automargin": True,
    "title": {"font": {"size": 13}, "standoff": 8},
}
LAYOUT = {
    "template": "none",
    "font": FONT,
    "paper_bgcolor": BACKGROUND,
    "plot_bgcolor": BACKGROUND,
    "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
    "height": 320,
    "dragmode": False,
    "hoverlabel": {"bgcolor": BACKGROUND, "bordercolor": LINES, "font": FONT, "namelength": -1},
    "legend": {"orientation": "h", "traceorder": "normal", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"},
    "xaxis": AXIS,
    "yaxis": AXIS,
}
BAR_HEIGHT, AROUND_BARS = 38, 60  # [pixels]


def as_json(traces: list[Any], **layout: Any) -> Figure:
    figure = go.Figure(traces, layout=LAYOUT).update_layout(**layout)
    answer: Figure = figure.to_dict()
    del answer["layout"]["template"]
    return answer


def plain(text: str) -> str:
    """Plotly reads tags in texts; what people typed has none."""
    return html.escape(text, quote=False)


def categories(labels: list[str]) -> dict[str, Any]:
    """The first one on top. By number, so that two that read the same stay two."""
    return {
        "tickvals": list(range(len(labels))),
        "ticktext": labels,
        "autorange": "reversed",
        "showgrid": False,
        "zeroline": False,
    }
