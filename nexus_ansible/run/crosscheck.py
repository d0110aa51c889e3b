# SPDX-License-Identifier: Apache-2.0
"""Find forged events in ansible-runner's stream, and compare Ansible's recap with what was recorded.

The stream travels inside the playbook's output, where a module can write false events; the records do not. The callback
`nexus.automation.runner_events` puts no result into the stream, so a result in it was forged.
"""

from __future__ import annotations

from typing import Any

from nexus_ansible.run.tally import Tally

_RESULTS = ("runner_on_", "runner_item_on_")
_PRINTED = frozenset({"", "verbose", "EOF"})


class RunnerEvents:
    """Takes the events of ansible-runner as they come, and keeps which were forged."""

    def __init__(self) -> None:
        self._forged: dict[str, None] = {}

    def take(self, event: dict[str, Any]) -> bool:
        """Look at one event. Returns False, so that the runner keeps no file of it."""
        name = str(event.get("event", ""))
        if name.startswith(_RESULTS) or ("pid" not in event and name not in _PRINTED):
            self._forged[_describe(event)] = None
        return False

    def forged(self) -> list[str]:
        """What the forged events claim, each once."""
        return list(self._forged)


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
        count = tally.outcomes
        recorded = {
            "ok": count[host, "ok"] + count[host, "ignored"] - tally.including[host] + tally.included[host],
            "failures": count[host, "failed"] + count[host, "timeout"],
            "skipped": count[host, "skipped"],
            "unreachable": count[host, "unreachable"],
            "changed": tally.changed[host],
        }
        claimed = {what: recap.get(what, 0) for what in recorded}
        claimed["failures"] += recap.get("rescued", 0)
        if claimed != recorded:
            found.append(f"the recap of {host} says {claimed}, the records say {recorded}")
    return found
