# SPDX-License-Identifier: Apache-2.0
"""Pictures of a platform: services in waves, or a workflow's steps in stages, as Mermaid or SVG."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from nexus_ansible.errors import RefusedError
from nexus_ansible.registries.problems import unknown

if TYPE_CHECKING:
    from nexus_ansible.model.platform import Environment, Platform, Workflow

BOX_WIDTH, BOX_HEIGHT, GAP_X, GAP_Y, MARGIN, HEADER = 150, 44, 70, 18, 24, 40
SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">
<title>{title}</title>
<style>
text {{ font: 14px system-ui, sans-serif; text-anchor: middle; fill: #1f2937 }}
rect {{ fill: #eef2ff; stroke: #6366f1 }}
path {{ fill: none; stroke: #9ca3af; stroke-width: 1.5 }}
.heading {{ fill: #6b7280; font-size: 12px }}
.back {{ fill: #fff; stroke: none }}
.tip {{ fill: #9ca3af; stroke: none }}
</style>
<defs>
<marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">
<path class="tip" d="M0,0 L8,4 L0,8 z"/>
</marker>
</defs>
<rect class="back" width="{width}" height="{height}"/>
{body}
</svg>
"""


@dataclass(frozen=True)
class Graph:
    """Columns of nodes, each with a heading, and arrows between nodes. A node is (id, label)."""

    title: str
    columns: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    arrows: tuple[tuple[str, str], ...]


def graph_of(platform: Platform, name: str | None) -> Graph:
    """The graph of an environment or a workflow; of the first environment without a name. Raises RefusedError."""
    wanted = name or next(iter(platform.environments))
    if wanted in platform.environments:
        return _services(platform.environments[wanted])
    if wanted in platform.workflows:
        return _steps(platform.workflows[wanted])
    known = [*platform.environments, *platform.workflows]
    raise RefusedError("\n  ".join(unknown("environment or workflow", wanted, known)))


def _services(environment: Environment) -> Graph:
    count = {name: service.scaling.min_replicas for name, service in environment.services.items()}
    columns = tuple(
        (f"wave {number}", tuple((name, f"{name} x {count[name]}") for name in wave))
        for number, wave in enumerate(environment.waves, start=1)
    )
    arrows = tuple(
        (need, name)
        for name, service in environment.services.items()
        for need in service.dependencies
        if need in environment.services
    )
    return Graph(environment.name, columns, arrows)


def _steps(workflow: Workflow) -> Graph:
    columns: list[tuple[str, tuple[tuple[str, str], ...]]] = []
    for stage in workflow.stages:
        if stage.parallel:
            columns.append((stage.name, tuple((step.name, step.name) for step in stage.steps)))
        else:
            columns += [(stage.name or "", ((step.name, step.name),)) for step in stage.steps]
    arrows = tuple(
        (before, after) for left, right in pairwise(columns) for before, _ in left[1] for after, _ in right[1]
    )
    return Graph(workflow.name, tuple(columns), arrows)


def mermaid(graph: Graph) -> str:
    """The graph as a Mermaid flowchart."""
    lines = ["flowchart LR"]
    for number, (heading, nodes) in enumerate(graph.columns):
        indent = "  "
        if heading:
            lines.append(f'  subgraph column{number}["{heading}"]')
            indent = "    "
        lines += [f'{indent}{_id(node)}["{label}"]' for node, label in nodes]
        if heading:
            lines.append("  end")
    lines += [f"  {_id(before)} --> {_id(after)}" for before, after in graph.arrows]
    return "\n".join(lines) + "\n"


def _id(node: str) -> str:
    return f"n_{node.replace('-', '_')}"


def svg(graph: Graph) -> str:
    """The graph as an SVG picture that reads in light and dark surroundings."""
    rows = max((len(nodes) for _, nodes in graph.columns), default=0)
    width = 2 * MARGIN + max(len(graph.columns) * (BOX_WIDTH + GAP_X) - GAP_X, BOX_WIDTH)
    height = 2 * MARGIN + HEADER + rows * (BOX_HEIGHT + GAP_Y)
    place = _places(graph, rows)
    headings = [_heading(column, text) for column, (text, _) in enumerate(graph.columns)]
    arrows = [_arrow(place[before], place[after]) for before, after in graph.arrows]
    boxes = [_box(*place[node], label) for _, nodes in graph.columns for node, label in nodes]
    return SVG.format(
        width=width, height=height, title=escape(graph.title), body="\n".join([*headings, *arrows, *boxes])
    )


def _heading(column: int, text: str) -> str:
    middle = MARGIN + column * (BOX_WIDTH + GAP_X) + BOX_WIDTH / 2
    return f'<text x="{middle:g}" y="{MARGIN + 16}" class="heading">{escape(text)}</text>'


def _places(graph: Graph, rows: int) -> dict[str, tuple[float, float]]:
    """Left upper corner of each node; short columns are centred."""
    places: dict[str, tuple[float, float]] = {}
    for column, (_, nodes) in enumerate(graph.columns):
        top = MARGIN + HEADER + (rows - len(nodes)) * (BOX_HEIGHT + GAP_Y) / 2
        for row, (node, _) in enumerate(nodes):
            places[node] = (MARGIN + column * (BOX_WIDTH + GAP_X), top + row * (BOX_HEIGHT + GAP_Y))
    return places


def _box(left: float, top: float, label: str) -> str:
    box = f'<rect x="{left:g}" y="{top:g}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="8"/>'
    return f'{box}<text x="{left + BOX_WIDTH / 2:g}" y="{top + BOX_HEIGHT / 2 + 5:g}">{escape(label)}</text>'


def _arrow(before: tuple[float, float], after: tuple[float, float]) -> str:
    x1, y1 = before[0] + BOX_WIDTH, before[1] + BOX_HEIGHT / 2
    x2, y2 = after[0], after[1] + BOX_HEIGHT / 2
    bend = (x2 - x1) / 2
    curve = f"M{x1:g},{y1:g} C{x1 + bend:g},{y1:g} {x2 - bend:g},{y2:g} {x2 - 2:g},{y2:g}"
    return f'<path d="{curve}" marker-end="url(#tip)"/>'
