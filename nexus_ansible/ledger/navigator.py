# SPDX-License-Identifier: Apache-2.0
"""One run as the playbook artifact, version 2.0.0, that `ansible-navigator replay` opens.

There is no published schema; the keys are those ansible-navigator's `actions/run.py` writes and reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from nexus_ansible.ledger.query import QueryError, Selected
from nexus_ansible.ledger.records import RUN_ENDED

if TYPE_CHECKING:
    from collections.abc import Iterable

VERSION = "2.0.0"

_NAMESPACE = UUID("a7a8f4f1-0a3b-5f0e-9d0c-6f1f2f9d9b57")
_GREEN, _RED = 10, 9
_STATUS = {"ok": "successful", "cancelled": "canceled"}
_COUNTS = ("ok", "skipped", "failed", "unreachable", "ignored")


def navigator_artifact(records: Iterable[Selected]) -> dict[str, Any]:
    """Return the artifact of a run. Raises QueryError unless the records are of exactly one."""
    records = [found for found in records if found.record["run"] is not None]
    runs = {found.record["run"] for found in records}
    if len(runs) != 1:
        raise QueryError(f"an artifact holds one run, but {len(runs)} were selected. Name one with --run.")
    plays: dict[str, dict[str, Any]] = {}
    for found in records:
        if "task" in found.record and "host" in found.record:
            play = plays.setdefault(_play_name(found), _new_play(found))
            play["tasks"].append(_task(found, play))
    for play in plays.values():
        _count(play)
    outcomes = [found.record.get("outcome") for found in records if found.record["kind"] == RUN_ENDED]
    status = _STATUS.get(str(outcomes[-1]), str(outcomes[-1])) if outcomes else "unknown"
    return {
        "version": VERSION,
        "plays": list(plays.values()),
        "stdout": [line for play in plays.values() for line in _stdout(play)],
        "status": status,
        "status_color": _GREEN if status == "successful" else _RED,
        "settings_entries": {},
        "settings_sources": {},
    }


def _play_name(found: Selected) -> str:
    record = found.record
    return str(record.get("play") or record.get("step") or record.get("workflow") or record["run"])


def _new_play(found: Selected) -> dict[str, Any]:
    name = _play_name(found)
    playbook = str(found.record.get("playbook") or found.record.get("workflow") or "")
    uuid = _uuid(found, name)
    return {
        "playbook": playbook,
        "playbook_uuid": _uuid(found, playbook),
        "play": name,
        "play_uuid": uuid,
        "play_pattern": str(found.record.get("pattern") or "all"),
        "name": name,
        "pattern": str(found.record.get("pattern") or "all"),
        "uuid": uuid,
        "__play_name": name,
        "tasks": [],
    }


def _task(found: Selected, play: dict[str, Any]) -> dict[str, Any]:
    record = found.record
    payload = found.payload or {}
    task, host, duration = str(record["task"]), str(record["host"]), float(record.get("duration") or 0.0)
    changed = bool(record.get("changed"))
    action = str(record.get("action") or "")
    return {
        **{name: play[name] for name in ("playbook", "playbook_uuid", "play", "play_uuid", "play_pattern")},
        "task": task,
        "task_uuid": _uuid(found, play["name"] + task),
        "task_action": action,
        "task_args": "",
        "task_path": str(record.get("source") or ""),
        "host": host,
        "remote_addr": host,
        "uuid": _uuid(found, str(found.index)),
        "res": {"changed": changed, **payload},
        "start": record["time"],
        "end": record["time"],
        "duration": duration,
        "event_loop": None,
        "ignore_errors": record.get("outcome") == "ignored",
        "__host": host,
        "__result": str(record.get("outcome") or "unknown").capitalize(),
        "__changed": changed,
        "__duration": _human_time(round(duration)),
        "__number": len(play["tasks"]),
        "__task": task,
        "__task_action": action,
    }


def _count(play: dict[str, Any]) -> None:
    tasks = play["tasks"]
    results = [task["__result"].lower() for task in tasks]
    play.update({f"__{name}": results.count(name) for name in _COUNTS})
    play["__in progress"] = 0
    play["__changed"] = sum(task["__changed"] for task in tasks)
    play["__task_count"] = len(tasks)
    play["__percent_complete"] = 100
    play["__progress"] = "100%"


def _stdout(play: dict[str, Any]) -> list[str]:
    lines, last = ["", f"PLAY [{play['name']}]"], None
    for task in play["tasks"]:
        if task["task"] != last:
            last = task["task"]
            lines += ["", f"TASK [{last}]"]
        word = "changed" if task["__changed"] and task["__result"] == "Ok" else task["__result"].lower()
        lines.append(f"{word}: [{task['host']}]")
    return lines


def _uuid(found: Selected, name: str) -> str:
    return str(uuid5(_NAMESPACE, f"{found.record['run']}\n{name}"))


def _human_time(seconds: int) -> str:
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
