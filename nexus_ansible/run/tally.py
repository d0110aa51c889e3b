# SPDX-License-Identifier: Apache-2.0
"""Results of a run, counted and put into words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Tally:
    """What the records say so far, to be compared with the recap.

    Ansible's recap counts the files that were `included`, not the tasks that were `including` them.
    """

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    including: Counter[str] = field(default_factory=Counter)
    included: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    recap: dict[str, dict[str, int]] | None = None

    def counts(self) -> dict[str, int]:
        """Results on all hosts by outcome, those of the recap."""
        found = dict.fromkeys(("ok", "failed", "skipped", "unreachable", "ignored"), 0)
        for (_, outcome), number in self.outcomes.items():
            if outcome in found:
                found[outcome] += number
        return found


def failure_text(result: Mapping[str, Any]) -> str:
    """The message of a failed result in one text: its own, and what the command said."""
    parts = [str(result[key]).strip() for key in ("msg", "stderr", "module_stderr", "reason") if result.get(key)]
    return "\n".join(dict.fromkeys(part for part in parts if part)) or "no message"
