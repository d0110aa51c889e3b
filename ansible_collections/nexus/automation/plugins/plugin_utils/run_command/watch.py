# SPDX-License-Identifier: Apache-2.0
"""A process of its own that ends a command on the machine when this one dies before the command ends.

Ansible ends its workers by signals that leave no time for anything; so does whoever kills a run. The process waits at
the end of a pipe, costs a few milliseconds, and loads a cloud's library only when there is something to end.

`python -E -S watch.py`: the first line of its input tells the cloud and the settings, each further one an event.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

LIMIT_S = 120
COLLECTIONS = Path(__file__).resolve().parents[6]
_RUN_MARKER = "NEXUS_RUN_ID"


class Watch:
    """The pipe to the process, which is started with the first job."""

    def __init__(self, cloud: str, settings: Mapping[str, Any]) -> None:
        self._first = {"cloud": cloud, "settings": dict(settings), "path": sys.path}
        self._pipe: IO[bytes] | None = None
        self._pid = 0

    def begin(self, job: str, objects: Sequence[str]) -> None:
        """Tell that a job begins, and which objects it will leave when nobody removes them."""
        if self._pid != os.getpid():  # a fork of Ansible has the pipe of its parent
            self._start()
        self._tell({"begin": job, "objects": list(objects)})

    def started(self, job: str, command: str) -> None:
        """Tell the cloud's id of the job's command."""
        self._tell({"started": job, "command": command})

    def end(self, job: str) -> None:
        """Tell that nothing is left of a job."""
        self._tell({"end": job})

    def close(self) -> None:
        """Let the process end."""
        if self._pipe is not None and self._pid == os.getpid():
            self._pipe.close()
            self._pipe = None
            self._pid = 0

    def _start(self) -> None:
        # Whoever supervises the run ends every process that carries this marker, just when this one is needed.
        environment = {name: value for name, value in os.environ.items() if name != _RUN_MARKER}
        process = subprocess.Popen(
            [sys.executable, "-E", "-S", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        process.returncode = 0  # nobody waits for it: it ends after this process
        self._pipe, self._pid = process.stdin, os.getpid()
        self._tell(self._first)

    def _tell(self, message: Mapping[str, Any]) -> None:
        assert self._pipe is not None
        try:
            self._pipe.write(json.dumps(message).encode() + b"\n")
            self._pipe.flush()
        except OSError:
            return  # it was killed: the job does without


def main() -> int:
    """Follow the events, and clear up after what has not ended when they cease."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    first, *events = [json.loads(line) for line in sys.stdin]
    jobs: dict[str, dict[str, Any]] = {}
    for event in events:
        if "begin" in event:
            jobs[event["begin"]] = {"objects": event["objects"]}
        elif "started" in event:
            jobs[event["started"]]["command"] = event["command"]
        else:
            jobs.pop(event["end"], None)
    if jobs:
        signal.alarm(LIMIT_S)
        sys.path[:] = [*first["path"], str(COLLECTIONS)]
        _clear_up(first["cloud"], first["settings"], jobs)
    return 0


def _clear_up(name: str, settings: Mapping[str, Any], jobs: Mapping[str, Mapping[str, Any]]) -> None:
    from ansible_collections.nexus.automation.plugins.plugin_utils.run_command.clouds import open_cloud
    from ansible_collections.nexus.automation.plugins.plugin_utils.run_command.session import end_commands

    cloud = open_cloud(name, settings)
    for job, left in jobs.items():
        cloud.store.delete(left["objects"])  # a command that begins only now finds nothing to do
        end_commands(cloud.machine, job, left.get("command", ""))
        cloud.store.delete(left["objects"])


if __name__ == "__main__":
    sys.exit(main())
