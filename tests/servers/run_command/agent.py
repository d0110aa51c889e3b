# SPDX-License-Identifier: Apache-2.0
"""A cloud's agent on a machine: it runs scripts as root, and ends them the way that cloud's agent does."""

from __future__ import annotations

import subprocess
import threading
from dataclasses import dataclass, field

from tests.servers.docker import CLIENT, Container

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LIMIT_S = 300
# What the engine executes has a process group of its own; its id is the first line of the output. There is no HOME.
BEGIN = 'file=$(mktemp); cat > "$file"; echo $$; eval "exec env -i PATH=$1 $2 sh $file"'


@dataclass
class Script:
    """A script that was begun; `fault` is how the agent ended it, if it did."""

    machine: Container
    process: subprocess.Popen[bytes]
    group: int
    stdout: bytes = b""
    stderr: bytes = b""
    fault: str = ""
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def exit_code(self) -> int:
        """Its exit code, once it has ended."""
        return self.process.returncode

    def end(self, fault: str, *, group: bool) -> None:
        """Kill it, with or without the processes it started."""
        self.fault = self.fault or fault
        # The shell's own kill: that of procps takes some groups for signals.
        self.machine.attempt("sh", "-c", 'kill -s KILL -- "$0"', f"-{self.group}" if group else str(self.group))


def begin(
    machine: Container, script: str, variables: dict[str, str], limit_s: int, fault: str, *, group: bool
) -> Script:
    """Run `script` in the background; end it with `fault` after `limit_s` seconds, with its `group` or alone."""
    words = " ".join(f"{name}={value}" for name, value in variables.items())
    argv = [CLIENT, "--host", machine.engine.host, "exec", "--interactive", machine.name]
    argv += ["sh", "-c", BEGIN, "sh", PATH, words]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(script.encode())
    process.stdin.close()
    process.stdin = None
    begun = Script(machine, process, int(process.stdout.readline()))
    threading.Thread(target=_follow, args=(begun, limit_s, fault, group), daemon=True).start()
    return begun


def _follow(script: Script, limit_s: int, fault: str, group: bool) -> None:
    timer = threading.Timer(limit_s, script.end, (fault,), {"group": group})
    timer.start()
    script.stdout, script.stderr = script.process.communicate(timeout=LIMIT_S)
    timer.cancel()
    script.ended.set()
