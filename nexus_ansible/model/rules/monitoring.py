# SPDX-License-Identifier: Apache-2.0
"""Rules for metrics, alerts and dashboards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nexus_ansible.model.condition import Comparison, parse_condition
from nexus_ansible.model.rules.twice import told_twice
from nexus_ansible.registries.problems import unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from nexus_ansible.registries.document import KeyPath
    from nexus_ansible.registries.problems import Problem
    from nexus_ansible.registries.registry_set import Registries

BUILT_IN_METRICS = ("service_health", "network_io", "active_workflows", "failed_workflows")
BUILT_IN_CHANNELS = ("email", "slack", "pagerduty", "phone", "webhook")
ROOT = ("monitoring",)


def monitoring_rules(registries: Registries) -> Iterator[Problem]:
    """What metrics, alerts and dashboards can have wrong."""
    metrics = _metrics(registries)
    known = {metric["name"] for _, metric in metrics} | {*BUILT_IN_METRICS}
    yield from told_twice(registries, "metric", [((*path, "name"), metric["name"]) for path, metric in metrics])
    for kind in ("alert", "dashboard"):
        entries = _entries(registries, f"{kind}s")
        yield from told_twice(registries, kind, [((*path, "name"), entry["name"]) for path, entry in entries])
    yield from _conditions(registries, known)
    yield from _channels(registries)
    yield from _panels(registries, known)
    comparisons = list(_comparisons(registries))
    for path, metric in metrics:
        yield from _thresholds(registries, metric, path, comparisons)


def _entries(registries: Registries, key: str) -> list[tuple[KeyPath, Mapping[str, Any]]]:
    return [((*ROOT, key, index), entry) for index, entry in enumerate(registries.get((*ROOT, key), ()))]


def _metrics(registries: Registries) -> list[tuple[KeyPath, Mapping[str, Any]]]:
    groups: Mapping[str, Any] = registries.get((*ROOT, "metrics"), {})
    return [
        ((*ROOT, "metrics", group, index), metric)
        for group, metrics in groups.items()
        for index, metric in enumerate(metrics)
    ]


def _conditions(registries: Registries, known: Collection[str]) -> Iterator[Problem]:
    for path, alert in _entries(registries, "alerts"):
        where = (*path, "condition")
        try:
            comparisons = parse_condition(alert["condition"])
        except ValueError as error:
            yield registries.problem(where, str(error), "Write for example: cpu_usage > 90")
            continue
        for comparison in comparisons:
            if comparison.metric not in known:
                yield registries.problem(where, *unknown("metric", comparison.metric, known))


def _comparisons(registries: Registries) -> Iterator[Comparison]:
    for _, alert in _entries(registries, "alerts"):
        try:
            yield from parse_condition(alert["condition"])
        except ValueError:
            continue  # told by _conditions


def _channels(registries: Registries) -> Iterator[Problem]:
    known = [*BUILT_IN_CHANNELS, *registries.get((*ROOT, "channels"), {})]
    for path, alert in _entries(registries, "alerts"):
        for index, channel in enumerate(alert.get("channels", ())):
            if channel not in known:
                yield registries.problem((*path, "channels", index), *unknown("channel", channel, known))


def _panels(registries: Registries, known: Collection[str]) -> Iterator[Problem]:
    for path, dashboard in _entries(registries, "dashboards"):
        for index, panel in enumerate(dashboard["panels"]):
            if panel not in known:
                yield registries.problem((*path, "panels", index), *unknown("metric", panel, known))


def _thresholds(
    registries: Registries, metric: Mapping[str, Any], path: KeyPath, comparisons: list[Comparison]
) -> Iterator[Problem]:
    """A warning comes before critical, in the direction in which the metric gets worse."""
    thresholds: Mapping[str, Any] = metric.get("thresholds", {})
    if not {"warning", "critical"} <= thresholds.keys():
        return
    operators = {comparison.operator[0] for comparison in comparisons if comparison.metric == metric["name"]}
    worse = metric.get("worse", "lower" if operators == {"<"} else "higher")
    warning, critical = thresholds["warning"], thresholds["critical"]
    if warning == critical or (warning < critical) != (worse == "higher"):
        what = (
            f"warning {warning} does not come before critical {critical}: {worse} values of {metric['name']} are worse"
        )
        other = "lower" if worse == "higher" else "higher"
        yield registries.problem((*path, "thresholds", "warning"), what, f"Swap them, or set `worse: {other}`.")
