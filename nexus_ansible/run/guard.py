# SPDX-License-Identifier: Apache-2.0
"""Runs one command within limits and leaves nothing of it behind.

`python -I -S guard.py PARENT_PID RUN_ID CPUS MEMORY COMMAND...`, with 0 for what has no limit.

The guard stands between the supervisor and ansible-playbook. When either of them dies, however it dies, the guard ends
every process that carries the run's marker in its environment. Standard library only, so that it starts in
milliseconds.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import time

MARKER = "NEXUS_RUN_ID"
GRACE_S = 5.0
_REASONS_TO_STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Make this process the parent of every descendant that loses its own (Linux prctl)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(number: int) -> None:
    """Have the kernel send this process a signal when its parent dies (Linux prctl)."""
    _prctl(_PR_SET_PDEATHSIG, number)


def _prctl(option: int, argument: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, argument, 0, 0, 0)


def marked_processes(run: str) -> list[int]:
    """Processes other than this one that carry a run's marker in their environment; the dead have none."""
    wanted = f"{MARKER}={run}".encode()
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - twice as fast as pathlib, and /proc can be long
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open(f"/proc/{name}/environ", "rb") as stream:  # noqa: PTH123 - no pathlib under -S for speed
                    if wanted in stream.read().split(b"\0"):
                        found.append(int(name))
            except OSError:  # ended meanwhile, or somebody else's
                continue
    return found


def end_processes(run: str) -> int:
    """End every process of a run: politely, then by force. Returns how many there were."""
    ended: set[int] = set()
    deadline = time.monotonic() + GRACE_S
    number = signal.SIGTERM
    while True:
        alive = marked_processes(run)
        if not alive:
            return len(ended)
        for pid in alive:
            if number == signal.SIGKILL or pid not in ended:
                ended.add(pid)
                _kill(pid, number)
        if time.monotonic() > deadline:
            number = signal.SIGKILL
        time.sleep(0.02)


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _reap_one() -> tuple[int, int]:
    """(pid, status) of a child that ended; pid 0 when there is none."""
    try:
        return os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return 0, 0


def main(arguments: list[str]) -> int:
    """Run the command; return its exit code, or 128 + the signal that ended it."""
    parent, run, cpus, memory = int(arguments[0]), arguments[1], int(arguments[2]), int(arguments[3])
    adopt_orphans()
    awaited = {signal.SIGCHLD, *reasons_to_stop()}  # an ignored signal would come nevertheless while blocked
    signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    die_with_parent(signal.SIGTERM)
    if os.getppid() != parent:
        return 128 + signal.SIGTERM
    child = os.fork()
    if child == 0:
        _limit(cpus, memory)
        _become(arguments[4:])
    code = _wait(child, awaited)
    end_processes(run)
    return code


def _limit(cpus: int, memory: int) -> None:
    """Keep this process and those it starts to some of the CPUs, and each of them to some memory.

    The limits are soft, because a service that a run starts must be able to leave them behind.
    """
    if cpus and sys.platform == "linux":
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cpus])
    if memory:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        soft = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _become(command: list[str]) -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.setpgid(0, 0)
    die_with_parent(signal.SIGTERM)
    try:
        os.execvp(command[0], command)  # noqa: S606 - the command is given as a list
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    os._exit(127)


def reasons_to_stop() -> set[signal.Signals]:
    """The signals that ask to stop, without those that nohup and the like have had ignored."""
    return {number for number in _REASONS_TO_STOP if signal.getsignal(number) != signal.SIG_IGN}


def _wait(child: int, awaited: set[signal.Signals]) -> int:
    """Wait for the child, or for a signal that asks to stop; orphans that end meanwhile are reaped on the way.

    Signals stay blocked and are taken one by one, so that none can interrupt the clearing up.
    """
    while signal.sigwait(awaited) == signal.SIGCHLD:
        while (ended := _reap_one())[0]:
            if ended[0] == child:
                code = os.waitstatus_to_exitcode(ended[1])
                return code if code >= 0 else 128 - code
    return 128 + signal.SIGTERM


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
