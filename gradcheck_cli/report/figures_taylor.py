"""Taylor tests as figures: the remainder against the step on logarithmic axes, a panel for each check."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from gradcheck_cli.remainder import Outcome, TaylorCheck, TaylorReport, TaylorRow, TaylorStep
from gradcheck_cli.report.figures import literal, require_few
from gradcheck_cli.report.notation import fraction_name
from gradcheck_cli.report.taylor_text import HEADLINES, OUTCOMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ABREAST: Final = 2
WIDE, HIGH = 6.0, 4.2  # inches of a panel
BESIDE: Final = 0.3  # of the remainder: how high a guide runs below it
GUIDES: Final = {1: ("t (wrong)", ":"), 2: ("t² (right)", "--")}  # order → name, style of its line
OF_ORDER: Final = {1: Outcome.FIRST, 2: Outcome.SECOND}
MARKERS: Final = "osD^v<>P"


def has_remainders(check: TaylorCheck) -> bool:
    """Tell whether there is something of a check to draw."""
    return any(_drawable(row.steps) for row in check.rows)


def taylor_figure(report: TaylorReport) -> Figure:
    """Draw every check of which a remainder is known; there must be one.

    Raises
    ------
    GradcheckError
        If there are more than a figure can hold.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415  # an extra

    checks = [check for check in report.checks if has_remainders(check)]
    require_few(len(checks), "checks", "-k")
    across = min(len(checks), ABREAST)
    down = math.ceil(len(checks) / across)
    figure = Figure(figsize=(WIDE * across, HIGH * down), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for panel, check in zip(panels, checks, strict=False):
        _draw_check(panel, check)
    for panel in panels[len(checks) :]:
        panel.set_axis_off()
    return figure


def _drawable(steps: Sequence[TaylorStep]) -> list[TaylorStep]:
    """Return what has a place on logarithmic axes."""
    return [one for one in steps if math.isfinite(one.remainder) and one.remainder > 0]


def _draw_check(axes: Axes, check: TaylorCheck) -> None:
    word, _ = HEADLINES[check.exit_code]
    expected = ", as its spec expects" if check.wrong and check.expects_failure else ""
    title = [f"{word}{expected}: {check.name}", f"{check.spec}:{check.line} at {check.point}"]
    axes.set_title(literal("\n".join(title)))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("step t")
    axes.set_ylabel("remainder R(t)")
    axes.grid(visible=True, color="0.9")
    for place, row in enumerate(check.rows):
        if _drawable(row.steps):
            _draw_row(axes, row, place)
    _draw_guides(axes, check)
    axes.legend(fontsize=7)


def _draw_row(axes: Axes, row: TaylorRow, place: int) -> None:
    """Draw a claim's remainders, and the line below which they are round-off."""
    steps, color = _drawable(row.steps), f"C{place % 10}"
    axes.plot(
        [one.step for one in steps],
        [one.remainder for one in steps],
        color=color,
        marker=MARKERS[place % len(MARKERS)],
        markersize=4,
        linewidth=1,
        label=_label(row),
    )
    if math.isfinite(row.floor) and row.floor > 0:
        axes.axhline(
            row.floor, color=color, linestyle="-.", linewidth=0.7, label=f"round-off: {row.floor:.2g}"
        )


def _label(row: TaylorRow) -> str:
    output = row.outputs[0] if len(row.outputs) == 1 else f"({', '.join(row.outputs)})"
    _, words = OUTCOMES[row.outcome]
    order = f", fitted order {row.order:.2f}" if math.isfinite(row.order) else ""
    return literal(f"{fraction_name(output, row.input)} ({row.claim}): {words}{order}")


def _draw_guides(axes: Axes, check: TaylorCheck) -> None:
    """Draw how a right claim's remainder shrinks and, if there is a wrong one, how a wrong one's does."""
    drawn = [one for row in check.rows for one in _drawable(row.steps)]
    first, last = max(one.step for one in drawn), min(one.step for one in drawn)
    low = min(one.remainder for one in drawn)
    for order, (name, style) in GUIDES.items():
        anchors = _anchors(check, order)
        if anchors:
            step, height = max(anchors, key=lambda one: one[1])
            height *= BESIDE
            # Not below what there is to see.
            ends = (first, max(last, step * (low / height) ** (1 / order)))
            heights = [height * (end / step) ** order for end in ends]
            axes.plot(ends, heights, color="0.5", linestyle=style, linewidth=1, label=f"as {name}")


def _anchors(check: TaylorCheck, order: int) -> list[tuple[float, float]]:
    """Return the points through which a guide may go: the first from which a row's order was read.

    Without a row of order t² its guide goes through another; that of order t is then left out.
    """
    known = [row for row in check.rows if math.isfinite(row.order) and _drawable(row.steps)]
    fitting = [row for row in known if row.outcome is OF_ORDER[order]]
    points = []
    for row in fitting or (known if order == 2 else []):
        steps = _drawable(row.steps)
        step = next((one for one in steps if one.counts), steps[0])
        points.append((step.step, step.remainder))
    return points
