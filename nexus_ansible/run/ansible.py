# SPDX-License-Identifier: Apache-2.0
"""One ansible-playbook process through ansible-runner, with a scrubbed environment and nothing left on disk."""

from __future__ import annotations

import codecs
import locale
import os
import re
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nexus_ansible.run.guard import MARKER, end_processes

GUARD = Path(__file__).with_name("guard.py")
PASSED = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TZ",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "ANSIBLE_*",
    # How programs, pip among them, reach the outside; addresses with a password are redacted.
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy"),
    *("PIP_*", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
)
# By which ansible-runner gets its events. The rest of what it sets would switch off the checking of host keys, and put
# a cache of its own in the place of the project's.
EVENTS = ("ANSIBLE_CALLBACK_PLUGINS", "AWX_ISOLATED_DATA_DIR", "RUNNER_OMIT_EVENTS")
TAIL_LINES = 40


@dataclass(frozen=True)
class Invocation:
    """What to run.

    `passed` names variables of the caller's environment that the run may see besides the usual ones. `cpus` and
    `memory` (bytes, of each process) are limits; 0 is none.
    """

    run: str
    root: Path
    playbook: Path
    inventory: Path
    socket: Path
    limit: str = ""
    tags: tuple[str, ...] = ()
    check: bool = False
    diff: bool = True
    extra_vars: Mapping[str, Any] = field(default_factory=dict)
    forks: int = 25
    fast: bool = False
    verbosity: int = 0
    passed: tuple[str, ...] = ()
    cpus: int = 0
    memory: int = 0


@dataclass(frozen=True)
class Ended:
    """How the process ended; `tail` is the end of what it printed outside of events."""

    code: int | None
    tail: str


def run_ansible(
    invocation: Invocation,
    private: Path,
    on_event: Callable[[dict[str, Any]], bool],
    on_start: Callable[[], None],
) -> Ended:
    """Run a playbook and wait for it. `private` is an empty directory of the run's own; `on_event` gets runner events.

    `on_start` is called when nothing is left to do but to start the process. Raises OSError when the runner cannot
    write to `private`.
    """
    from ansible_runner import Runner, RunnerConfig

    config = RunnerConfig(
        private_data_dir=str(private),
        project_dir=str(invocation.root),
        # Relative to the project: Ansible splits absolute paths that have a comma or a colon in them.
        playbook=str(invocation.playbook.relative_to(invocation.root)),
        inventory=[str(invocation.inventory.relative_to(invocation.root))],
        limit=invocation.limit or None,
        tags=",".join(invocation.tags) or None,
        extravars=dict(invocation.extra_vars) or None,
        cmdline=" ".join(_options(invocation)) or None,
        forks=invocation.forks,
        verbosity=invocation.verbosity or None,
        ident="run",
        omit_event_data=True,
        suppress_output_file=True,
        suppress_ansible_output=True,
        rotate_artifacts=0,
    )
    before = dict(os.environ)
    config.prepare()
    events = {name: config.env[name] for name in EVENTS}
    config.env = {**allowed_environment(before, invocation.passed), **events, **_own_environment(invocation, private)}
    limits = (str(invocation.cpus), str(invocation.memory))
    guard = (sys.executable, "-I", "-S", str(GUARD))
    config.command = [*guard, str(os.getpid()), invocation.run, *limits, *config.command]
    config.runner_mode = "subprocess"
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    runner = Runner(
        config,
        event_handler=lambda event: _noted(event, tail, on_event),
        status_handler=lambda status, **_: on_start() if status["status"] == "running" else None,
    )
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a descriptor is needed
        config.input_fd = nothing
        out, err = _Stream(runner.event_callback), _Stream(runner.event_callback)
        config.output_fd, config.error_fd = out.write_end, err.write_end
        try:
            runner.run()
        finally:
            end_processes(invocation.run)  # whoever is left holds the pipes open
            out.finish()
            err.finish()
    return Ended(runner.rc, "\n".join(tail).strip())


def allowed_environment(environment: Mapping[str, str], passed: tuple[str, ...]) -> dict[str, str]:
    """The part of the caller's environment that a run may see; patterns may end in `*`."""
    patterns = (*PASSED, *passed)
    exact = {pattern for pattern in patterns if not pattern.endswith("*")}
    prefixes = tuple(pattern[:-1] for pattern in patterns if pattern.endswith("*"))
    return {name: value for name, value in environment.items() if name in exact or name.startswith(prefixes)}


def fast_strategy() -> dict[str, str]:
    """Variables of the accelerated strategy; none when Mitogen is missing or does not support this ansible-core."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        core = tuple(int(part) for part in version("ansible-core").split(".")[:2])
        supported = _mitogen_supports(version("mitogen"))
    except PackageNotFoundError:
        return {}
    return {} if core > supported else {"ANSIBLE_STRATEGY": "nexus.automation.fast"}


def _mitogen_supports(release: str) -> tuple[int, int]:
    """Newest ansible-core of a Mitogen release, from its change log: 0.3.30 brought 2.19, 0.3.40 brought 2.20."""
    digits = re.match(r"0\.3\.([0-9]+)", release)
    patch = int(digits[1]) if digits else 0
    return (2, 20) if patch >= 40 else (2, 19) if patch >= 30 else (2, 18)


def _options(invocation: Invocation) -> list[str]:
    flags = {"--check": invocation.check, "--diff": invocation.diff}
    return [flag for flag, wanted in flags.items() if wanted]


def _own_environment(invocation: Invocation, private: Path) -> dict[str, str]:
    scripts = str(Path(sys.executable).parent)
    config = invocation.root / "ansible.cfg"
    return {
        "PATH": f"{scripts}:{os.environ.get('PATH', os.defpath)}",
        MARKER: invocation.run,
        "NEXUS_LEDGER_SOCKET": str(invocation.socket),
        "ANSIBLE_ROLES_PATH": f"roles:{os.environ.get('ANSIBLE_ROLES_PATH', '')}".rstrip(":"),
        "ANSIBLE_CALLBACKS_ENABLED": "nexus.automation.ledger",
        "ANSIBLE_STDOUT_CALLBACK": "nexus.automation.runner_events",
        "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true",
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
        "ANSIBLE_NOCOLOR": "true",
        **({} if _locale_is_utf8() else {"LC_ALL": "C.UTF-8"}),
        # Modules with their arguments, secrets among them, pass through these directories; a killed run leaves them.
        "ANSIBLE_LOCAL_TEMP": str(private / "local"),
        "ANSIBLE_REMOTE_TMP": str(private / "remote"),
        # A connection that an earlier run left may lead to a machine that was away since, and then hangs.
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(private / "ssh"),
        **({"ANSIBLE_CONFIG": str(config)} if config.is_file() else {}),
        **(fast_strategy() if invocation.fast else {}),
    }


def _locale_is_utf8() -> bool:
    """Whether the caller's locale is one that Ansible starts under."""
    before = locale.setlocale(locale.LC_ALL)
    try:
        locale.setlocale(locale.LC_ALL, "")
        return locale.nl_langinfo(locale.CODESET).upper() == "UTF-8"
    except locale.Error:
        return False
    finally:
        locale.setlocale(locale.LC_ALL, before)


def _noted(event: dict[str, Any], tail: deque[str], on_event: Callable[[dict[str, Any]], bool]) -> bool:
    if event.get("event") in {"verbose", "error", "warning", "system_warning", "deprecated"}:
        tail.extend(str(event.get("stdout", "")).splitlines())
    return on_event(event)


class _Stream:
    """A pipe whose text goes through ansible-runner's own event filter as it comes, instead of all at the end."""

    def __init__(self, on_event: Callable[[dict[str, Any]], None]) -> None:
        from ansible_runner.utils import OutputEventFilter

        self._filter = OutputEventFilter(None, on_event, suppress_ansible_output=True)
        read_end, self.write_end = os.pipe()
        self._thread = threading.Thread(target=self._pump, args=(read_end,), daemon=True)
        self._thread.start()

    def _pump(self, read_end: int) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with os.fdopen(read_end, "rb", buffering=0) as stream:
            while data := stream.read(1 << 16):
                self._filter.write(decoder.decode(data))
        self._filter.close()

    def finish(self) -> None:
        """Close the writing end and wait for what is still in the pipe."""
        os.close(self.write_end)
        self._thread.join()
