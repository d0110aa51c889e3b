# SPDX-License-Identifier: Apache-2.0
"""What of a task's result is worth recording, short enough to record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_TEXT = 8_192
MAX_ITEMS = 200
MAX_DEPTH = 12
_NOISE = frozenset({"invocation", "_ansible_no_log", "_ansible_verbose_always", "_ansible_parsed", "ansible_facts"})


def outcome_of(outcome: str, result: Mapping[str, Any]) -> str:
    """The outcome by its ledger name: a task that ran into its time limit is a `timeout`."""
    if outcome == "failed" and result.get("timedout"):
        return "timeout"
    return outcome


def shortened(value: Any, depth: int = 0) -> Any:
    """Plain JSON data in which texts, lists and nesting are cut to a bounded size; what was cut says so."""
    if isinstance(value, str):
        text = str(value)
        return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}… ({len(text) - MAX_TEXT} more characters)"
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if depth >= MAX_DEPTH:
        return "…"
    if isinstance(value, Mapping):
        kept = [(str(key), member) for key, member in value.items() if depth or key not in _NOISE]
        short = {key: shortened(member, depth + 1) for key, member in kept[:MAX_ITEMS]}
        if not depth and "invocation" in value and isinstance(value["invocation"], Mapping):
            short["arguments"] = shortened(value["invocation"].get("module_args") or {}, depth + 1)
        return short
    if isinstance(value, (list, tuple)):
        more = [f"… ({len(value) - MAX_ITEMS} more)"] if len(value) > MAX_ITEMS else []
        return [shortened(member, depth + 1) for member in value[:MAX_ITEMS]] + more
    return shortened(str(value), depth)
