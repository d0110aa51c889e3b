# SPDX-License-Identifier: Apache-2.0
"""Compare what was recorded with what ansible-runner's event stream and Ansible's recap claim.

The stream travels inside the playbook's output, where a module can write false events; the records do not. What the
stream claims beyond the records was forged.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from nexus_ansible.run.tally import RUNNER_EVENTS, Tally

_COMPARED = frozenset(RUNNER_EVENTS.values())
_PRINTED = frozenset({"", "verbose", "EOF"})


class RunnerEvents:
    """Counts the events of ansible-runner as they come."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, str]] = Counter()
        self._last: tuple[str, str] | None = None
        self._suspicious: list[str] = []

    def take(self, event: dict[str, Any]) -> bool:
        """Count one event. Returns False, so that the runner keeps no file of it."""
        name = str(event.get("event", ""))
        if name in _COMPARED:
            self._last = name, str(event.get("parent_uuid", ""))
            self._seen[self._last] += 1
        if "pid" not in event and name not in _PRINTED:
            self._suspicious.append(_describe(event))
        return False

    def discrepancies(self, tally: Tally, *, complete: bool) -> list[str]:
        """What the stream claims and the records do not hold; and, for a complete run, what it lacks.

        Ansible tells the runner first: a process that was killed may have told its last result there alone.
        """
        found = list(dict.fromkeys(self._suspicious))
        for key, number in sorted(self._seen.items()):
            more = number - tally.events[key] - (key == self._last and not complete)
            if more > 0 and not found:
                found.append(
                    f"forged runner event: {more} more {key[0]} of task {key[1] or 'unknown'} than Ansible ran"
                )
        if complete:
            for key, number in sorted(tally.events.items()):
                missing = number - self._seen[key]
                if missing > 0:
                    found.append(f"suppressed runner event: {missing} {key[0]} of task {key[1]} are not in the stream")
        return found


def _describe(event: dict[str, Any]) -> str:
    data = event.get("event_data") or {}
    parts = [f"forged runner event {event.get('event')}"]
    parts += [f"{key} {data[key]}" for key in ("host", "task") if isinstance(data, dict) and data.get(key)]
    return ", ".join(parts)


def recap_discrepancies(tally: Tally) -> list[str]:
    """Hosts whose recap does not add up to what was recorded."""
    if tally.recap is None:
        return []
    found = []
    for host, recap in sorted(tally.recap.items()):
        count = {what: tally.outcomes[host, what] for what in RUNNER_EVENTS}
        recorded = {
            "ok": count["ok"] + count["ignored"] - tally.including[host] + tally.included[host],
            "failures": count["failed"] + count["timeout"],
            "skipped": count["skipped"],
            "unreachable": count["unreachable"],
            "changed": tally.changed[host],
        }
        claimed = {what: recap.get(what, 0) for what in recorded}
        claimed["failures"] += recap.get("rescued", 0)
        if claimed != recorded:
            found.append(f"the recap of {host} says {claimed}, the records say {recorded}")
    return found
