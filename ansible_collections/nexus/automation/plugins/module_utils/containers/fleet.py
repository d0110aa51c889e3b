# SPDX-License-Identifier: Apache-2.0
"""The containers of one environment on an engine: what is there, and what each says of itself.

Labels of a container cannot change. So which of its versions an instance runs, and which was the last good one, is in a
file of the container, which the engine reads even when the container is stopped.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..errors import AdapterError, UnreachableError
from ..images.engine import describe_silence
from .files import Entry, pack, unpack
from .layout import GATES, LABELS, ROOM, STATE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .layout import Ground

STATES = {"running": "running", "restarting": "failed", "created": "stopped", "exited": "stopped", "dead": "failed"}


@dataclass(frozen=True)
class State:
    """What a container says of its versions; empty where there is none. `versions` are those that it holds files of."""

    version: str = ""
    good: str = ""
    versions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Placed:
    """A container of an instance. `kept` says that it is stopped and only there to go back to; `uptime` in seconds."""

    id: str
    instance: str
    kept: bool
    state: str
    pid: int | None
    uptime: float | None
    release: str
    says: State


class Fleet:
    """The containers of a ground; `client` is a docker.APIClient of the engine at `host`."""

    def __init__(self, client: Any, host: str, ground: Ground) -> None:
        self.client, self.host, self.ground = client, host, ground

    def placed(self, instance: str = "") -> list[Placed]:
        """Containers of an instance, or of all; those that are current first."""
        label = f"{LABELS['instance']}={instance}" if instance else LABELS["instance"]
        filters = {"label": [*self.ground.filters["label"], label]}
        with self.explained("cannot list its containers"):
            found = self.client.containers(all=True, filters=filters)
        told = [self._placed(entry["Id"]) for entry in found]
        return sorted((one for one in told if one is not None), key=lambda one: (one.kept, one.instance))

    def current(self, instance: str) -> Placed | None:
        """The container that an instance is."""
        return next((one for one in self.placed(instance) if not one.kept), None)

    def tell(self, container: str, state: State) -> None:
        """Have a container say this of its versions."""
        text = json.dumps({"version": state.version, "good": state.good, "versions": state.versions})
        self.put(container, [Entry("state.json", text)])

    def put(self, container: str, entries: list[Entry], folder: str = ROOM) -> None:
        """Write files into a container."""
        with self.explained(f"cannot write files into the container {container}"):
            self.client.put_archive(container, folder, pack(entries))

    def gates(self) -> dict[str, dict[str, str]]:
        """What the gates hold, by proxy and by instance; read from the console, which has their volume."""
        folder: dict[str, dict[str, str]] = {}
        for path, text in self._read(self.ground.console, GATES):
            _, *between, gate = path.split("/")
            if len(between) == 1 and not between[0].startswith(".") and not gate.startswith("."):
                folder.setdefault(between[0], {})[gate] = text.strip()
        return folder

    @contextlib.contextmanager
    def explained(self, what: str, advice: str = "") -> Iterator[None]:
        """Raise AdapterError for what the engine refuses in the block, and UnreachableError when it does not answer."""
        import docker
        import requests

        try:
            yield
        except docker.errors.APIError as error:
            why = str(error.explanation or error).rstrip(".")
            raise AdapterError(f"The engine at {self.host} {what}: {why}. {advice}".rstrip()) from error
        except (docker.errors.DockerException, requests.RequestException) as error:
            raise UnreachableError(describe_silence(self.host, error)) from error

    def _read(self, container: str, path: str) -> list[tuple[str, str]]:
        """Files below a path; none where there is no such container or path."""
        import docker

        with self.explained(f"cannot read {path} in the container {container}"):
            try:
                chunks, _ = self.client.get_archive(container, path)
                return list(unpack(chunks))
            except docker.errors.NotFound:
                return []

    def _placed(self, container: str) -> Placed | None:
        import docker

        with self.explained(f"cannot tell of the container {container}"):
            try:
                told = self.client.inspect_container(container)
            except docker.errors.NotFound:  # it went meanwhile
                return None
        return replace(_describe(told, self.ground), says=self._says(container))

    def _says(self, container: str) -> State:
        for _, text in self._read(container, STATE):
            told = json.loads(text)
            return State(told["version"], told["good"], tuple(told["versions"]))
        return State()


def _describe(told: dict[str, Any], ground: Ground) -> Placed:
    labels, state = told["Config"]["Labels"], told["State"]
    instance = labels[LABELS["instance"]]
    runs = state["Status"] == "running"
    return Placed(
        id=told["Id"],
        instance=instance,
        kept=told["Name"].removeprefix("/") != ground.container(instance),
        state=STATES.get(state["Status"], state["Status"]),
        pid=state["Pid"] if runs else None,
        uptime=_seconds_since(state["StartedAt"]) if runs else None,
        release=labels.get(LABELS["release"], ""),
        says=State(),
    )


def _seconds_since(moment: str) -> float:
    """Seconds since a moment of an engine's clock: RFC 3339 with nanoseconds."""
    started = datetime.fromisoformat(moment[:19]).replace(tzinfo=UTC)
    return max(0.0, round((datetime.now(UTC) - started).total_seconds(), 1))
