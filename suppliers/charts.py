"""Figures of a run's emissions for Plotly."""

import textwrap
from collections.abc import Sequence

import plotly.graph_objects as go  # type: ignore[import-untyped]

from core.charts import AROUND_BARS, BACKGROUND, BAR_HEIGHT, GOOD, MAIN, SECOND, Figure, as_json, categories, plain
from suppliers.summaries import TIERS, Share

TIER_COLOURS = {1: GOOD, 2: MAIN, 3: SECOND}
TILES = 40
LABEL_WIDTH = 28
KILOGRAMS = 1000  # in a tonne


def draw_categories(shares: Sequence[Share]) -> Figure:
    """A tile for each category as large as its emissions; the small ones are one tile, credits have none."""
    positive = [share for share in shares if share.kgco2e > 0]
    shown, others = positive[:TILES], positive[TILES:]
    labels = [share.name for share in shown] + ([f"{len(others)} other categories"] if others else [])
    values = [share.kgco2e for share in shown] + ([sum(share.kgco2e for share in others)] if others else [])
    tiles = go.Treemap(
        ids=[str(number) for number in range(len(labels))],
        labels=[plain(label) for label in labels],
        parents=[""] * len(labels),
        values=[round(value / KILOGRAMS, 3) for value in values],
        marker={"colors": [MAIN] * len(labels), "line": {"color": BACKGROUND, "width": 2}},
        textfont={"color": BACKGROUND},
        texttemplate="%{label}<br>%{value:,.0f} t",
        hovertemplate="%{label}: %{value:,.1f} t CO2e, %{percentRoot:.1%}<extra></extra>",
        pathbar={"visible": False},
        tiling={"pad": 1},
    )
    return as_json([tiles], height=420, margin={"l": 0, "r": 0, "t": 0, "b": 0})


def draw_suppliers(shares: Sequence[Share]) -> Figure:
    """A bar for each supplier, in parts by tier."""
    labels = ["<br>".join(map(plain, _wrapped(share.name))) for share in shares]
    bars = [
        go.Bar(
            orientation="h",
            y=list(range(len(labels))),
            x=[round(share.by_tier.get(tier, 0.0) / KILOGRAMS, 3) for share in shares],
            name=name,
            text=[plain(share.name) for share in shares],
            textposition="none",
            hovertemplate="%{text}: %{x:,.1f} t CO2e",
            marker={"color": TIER_COLOURS[tier]},
        )
        for tier, name in TIERS.items()
        if any(tier in share.by_tier for share in shares)
    ]
    return as_json(
        bars,
        barmode="relative",
        height=AROUND_BARS + BAR_HEIGHT * (len(labels) + 1),
        yaxis=categories(labels),
        xaxis={"title": {"text": "t CO2e"}, "tickformat": ","},
    )


def _wrapped(name: str) -> list[str]:
    return textwrap.wrap(name, LABEL_WIDTH, max_lines=2, placeholder=" …") or [""]
