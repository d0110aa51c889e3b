# SPDX-License-Identifier: Apache-2.0
"""Alert conditions: `cpu_usage > 90`, `service_health == 'unhealthy'`, joined by `and`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nexus_ansible.registries.problems import quote

_COMPARISON = re.compile(
    r"\s*(?P<metric>[a-z_][a-z0-9_]*)\s*(?P<operator>==|!=|>=|<=|>|<)\s*"
    r"(?:(?P<number>-?[0-9]+(?:\.[0-9]+)?)|'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\")\s*"
)


_AND = re.compile(r"""\band\b(?=(?:[^'"]|'[^']*'|"[^"]*")*$)""")
"""The word outside of quotes."""


@dataclass(frozen=True)
class Comparison:
    """One comparison of a metric; `value` is a number or a state such as `unhealthy`."""

    metric: str
    operator: str
    value: float | str


def parse_condition(text: str) -> tuple[Comparison, ...]:
    """The comparisons of a condition, all of which must hold. Raises ValueError with the part that is not one."""
    return tuple(_comparison(part) for part in _AND.split(text))


def _comparison(text: str) -> Comparison:
    found = _COMPARISON.fullmatch(text)
    if not found:
        raise ValueError(f"{quote(text.strip())} is not METRIC COMPARISON VALUE")
    if found["number"] is not None:
        return Comparison(found["metric"], found["operator"], float(found["number"]))
    value = found["single"] if found["single"] is not None else found["double"]
    if found["operator"] not in {"==", "!="}:
        raise ValueError(f"a state such as {quote(value)} can only be compared with == or !=")
    return Comparison(found["metric"], found["operator"], value)
