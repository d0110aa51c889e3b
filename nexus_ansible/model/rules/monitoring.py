# SPDX-License-Identifier: Apache-2.0
"""Rules for metrics, alerts and dashboards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nexus_ansible.model.condition import Comparison, parse_condition
from nexus_ansible.registries.document import KeyPath
from nexus_ansible.registries.problems import Problem, unknown
from nexus_ansible.registries.registry_set import Registries

BUILT_IN_METRICS = ("service_health", "network_io", "active_workflows", "failed_workflows")
BUILT_IN_CHANNELS = ("email", "slack", "pagerduty", "phone", "webhook")
ROOT = ("monitoring",)


def monitoring_rules(registries: Registries) -> Iterator[Problem]:
    """What metrics, alerts and dashboards can have wrong."""
    metrics = _metrics(registries)
    known = [*(metric["name"] for _, metric in metrics), *BUILT_IN_METRICS]
    yield from _twice(registries, [((*path, "name"), metric["name"]) for path, metric in metrics], "metric")
    comparisons: list[Comparison] = []
    for index, alert in enumerate(registries.get((*ROOT, "alerts"), ())):
        path = (*ROOT, "alerts", index)
        try:
            parsed = parse_condition(alert["condition"])
        except ValueError as error:
            yield registries.problem((*path, "condition"), str(error), "Write for example: cpu_usage > 90")
            parsed = ()
        comparisons.extend(parsed)
        for comparison in parsed:
            if comparison.metric not in known:
                yield registries.problem((*path, "condition"), *unknown("metric", comparison.metric, known))
        yield from _channels(registries, alert, path)
    yield from _named(registries, "alerts", "alert")
    yield from _named(registries, "dashboards", "dashboard")
    for index, dashboard in enumerate(registries.get((*ROOT, "dashboards"), ())):
        for number, panel in enumerate(dashboard["panels"]):
            if panel not in known:
                yield registries.problem((*ROOT, "dashboards", index, "panels", number), *unknown("metric", panel, known))
    for path, metric in metrics:
        yield from _thresholds(registries, metric, path, comparisons)


def _metrics(registries: Registries) -> list[tuple[KeyPath, Mapping[str, Any]]]:
    groups: Mapping[str, Any] = registries.get((*ROOT, "metrics")) or {}
    return [
        ((*ROOT, "metrics", group, index), metric)
        for group, metrics in groups.items()
        for index, metric in enumerate(metrics)
    ]


def _channels(registries: Registries, alert: Mapping[str, Any], path: KeyPath) -> Iterator[Problem]:
    known = [*BUILT_IN_CHANNELS, *(registries.get((*ROOT, "channels")) or {})]
    for index, channel in enumerate(alert.get("channels", ())):
        if channel not in known:
            yield registries.problem((*path, "channels", index), *unknown("channel", channel, known))


def _named(registries: Registries, key: str, kind: str) -> Iterator[Problem]:
    entries = enumerate(registries.get((*ROOT, key), ()))
    yield from _twice(registries, [((*ROOT, key, index, "name"), entry["name"]) for index, entry in entries], kind)


def _twice(registries: Registries, named: list[tuple[KeyPath, str]], kind: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for where, name in named:
        if name in seen:
            yield registries.problem(where, f'{kind} "{name}" stands twice')
        seen.add(name)


def _thresholds(
    registries: Registries, metric: Mapping[str, Any], path: KeyPath, comparisons: list[Comparison]
) -> Iterator[Problem]:
    """A warning comes before critical, in the direction in which the metric gets worse."""
    thresholds = metric.get("thresholds") or {}
    if not {"warning", "critical"} <= thresholds.keys():
        return
    operators = {comparison.operator[0] for comparison in comparisons if comparison.metric == metric["name"]}
    worse = metric.get("worse", "lower" if operators == {"<"} else "higher")
    warning, critical = thresholds["warning"], thresholds["critical"]
    if warning == critical or (warning < critical) != (worse == "higher"):
        what = f"warning {warning} does not come before critical {critical}, but {worse} values of {metric['name']} are worse"
        hint = "Swap them, or set `worse: lower`." if worse == "higher" else "Swap them, or set `worse: higher`."
        yield registries.problem((*path, "thresholds", "warning"), what, hint)
