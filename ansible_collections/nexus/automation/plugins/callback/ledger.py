# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: ledger
type: notification
short_description: Record what a playbook really does in a verifiable ledger
version_added: 0.1.0
author: nexus-ansible contributors
description:
  - Sends every play, task and result to a recorder, which writes them to the ledger of the project.
  - Events go over a socket of their own, never through the playbook's output, so that a module cannot forge them.
  - Under C(nexus-ansible) the recorder is the supervisor of the run. Under plain C(ansible-playbook) and AWX the plugin
    starts one for the project that the playbook lies in; outside a project it does nothing.
requirements:
  - The Python package nexus-ansible on the control node
options:
  socket:
    description: Socket of a recorder that is already there.
    type: path
    env:
      - name: NEXUS_LEDGER_SOCKET
  enabled:
    description: Whether runs are recorded.
    type: bool
    default: true
    env:
      - name: NEXUS_LEDGER
    ini:
      - section: callback_ledger
        key: enabled
"""

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible import context
from ansible.plugins.callback import CallbackBase

from ansible_collections.nexus.automation.plugins.plugin_utils.current_run import remember_run
from ansible_collections.nexus.automation.plugins.plugin_utils.recorder import (
    Recorder,
    RecorderRefusedError,
    connect,
)
from ansible_collections.nexus.automation.plugins.plugin_utils.result import outcome_of, shortened
from ansible_collections.nexus.automation.plugins.plugin_utils.secrets import SecretNotFoundError, remember, resolve

REFUSED = 7
NOBODY = ["all", "!all"]
PLAY_VARIABLES = ("nexus_workflow", "nexus_step", "nexus_source", "nexus_wave", "nexus_batch")


def or_stop(handler: Callable[..., None]) -> Callable[..., None]:
    """Ansible only warns when a callback fails; a run that can no longer be recorded must not go on."""

    @functools.wraps(handler)
    def guarded(self: CallbackModule, *arguments: Any, **named: Any) -> None:
        try:
            handler(self, *arguments, **named)
        except Exception as error:
            self._display.error(f"The run stops, because it can no longer be recorded: {error}", wrap_text=False)
            raise KeyboardInterrupt from error

    return guarded


class CallbackModule(CallbackBase):
    """Sends what happens to the recorder; every handler builds one message and hands it over."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "nexus.automation.ledger"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._recorder: Recorder | None = None
        self._playbook = Path()
        self._begun = False
        self._services: dict[str, str | None] = {}
        self._lost = False

    @or_stop
    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Remember what runs; the inventory is not known yet."""
        self._playbook = Path(playbook._file_name).resolve()

    def _open(self, play: Any) -> None:
        """Open the run, before any host is touched, and tell what must not be recorded of it."""
        if not self.get_option("enabled"):
            return
        self._recorder = connect(self.get_option("socket"), self._playbook)
        if self._recorder is None:
            return
        arguments = context.CLIARGS
        variables = play.get_variable_manager()._inventory.groups["all"].get_vars()
        self._send(
            "hello",
            pid=os.getpid(),
            playbook=str(self._playbook),
            inventory=[str(Path(source).resolve()) for source in arguments.get("inventory") or () if "," not in source],
            environment=variables.get("nexus_environment"),
            check=bool(arguments.get("check")),
            limit=arguments.get("subset"),
            tags=list(arguments.get("tags") or ()),
        )
        try:
            answer = self._recorder.welcome()
        except RecorderRefusedError as error:
            self._display.error(str(error), wrap_text=False)
            sys.stdout.flush()
            os._exit(REFUSED)
        remember(answer["secrets"])
        remember_run(answer["run"])
        self._tell_secrets(variables.get("nexus_secrets") or {}, self._recorder.root)

    @or_stop
    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Tell the play; the first one opens the run."""
        if not self._begun:
            self._begun = True
            self._open(play)
        if self._lost:
            # Under `any_errors_fatal` a host that does not answer ends the playbook. Ansible counts it twice, as failed
            # and as unreachable, so that more hosts are lost than the play has, and goes on with the next play (2.19).
            play.hosts = NOBODY
            return
        if self._recorder is None:
            return
        variables = play.get_vars()
        known = {name: variables[name] for name in PLAY_VARIABLES if name in variables}
        self._send("play", uuid=str(play._uuid), name=play.get_name(), variables=known)

    @or_stop
    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Tell the task."""
        if self._recorder is not None:
            self._send("task", uuid=str(task._uuid), name=task.get_name(), action=task.action, path=task.get_path())

    @or_stop
    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        """A handler is a task."""
        self.v2_playbook_on_task_start(task, is_conditional=False)

    @or_stop
    def v2_playbook_on_cleanup_task_start(self, task: Any) -> None:
        """A clean-up is a task."""
        self.v2_playbook_on_task_start(task, is_conditional=False)

    @or_stop
    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """Tell that a host begins a task."""
        if self._recorder is not None:
            self._send("start", task=str(task._uuid), host=host.get_name(), service=self._service(host))

    @or_stop
    def v2_playbook_on_include(self, included_file: Any) -> None:
        """Tell that a file was included, which the recap counts for each host."""
        if self._recorder is not None:
            self._send("include", hosts=[host.get_name() for host in included_file._hosts])

    @or_stop
    def v2_runner_on_ok(self, result: Any) -> None:
        """Tell a result."""
        self._result("ok", result)

    @or_stop
    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Tell a failure, and whether the play ignores it."""
        self._result("ignored" if ignore_errors else "failed", result)

    @or_stop
    def v2_runner_on_skipped(self, result: Any) -> None:
        """Tell a skipped task."""
        self._result("skipped", result)

    @or_stop
    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Tell a host that could not be reached, and whether the play ignores it."""
        self._lost = self._lost or bool(result.task.any_errors_fatal and not result.task.ignore_unreachable)
        self._result("ignored" if result.task.ignore_unreachable else "unreachable", result)

    @or_stop
    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Tell the recap, against which the records are checked."""
        if self._recorder is None:
            return
        hosts = {host: stats.summarize(host) for host in sorted(stats.processed)}
        custom = stats.custom.get("_run") or {}
        self._send("stats", hosts=hosts, custom=shortened(custom))
        self._recorder.close()

    def _result(self, outcome: str, result: Any) -> None:
        if self._recorder is None:
            return
        self._send(
            "result",
            outcome=outcome_of(outcome, result.result),
            task=str(result.task._uuid),
            host=result.host.get_name(),
            service=self._service(result.host),
            changed=bool(result.result.get("changed", False)),
            result=shortened(result.result),
        )

    def _send(self, event: str, **fields: Any) -> None:
        assert self._recorder is not None
        self._recorder.send({"event": event, **fields})

    def _tell_secrets(self, sources: dict[str, Any], root: Path) -> None:
        values = {}
        for name, source in sources.items():
            try:
                values[name] = resolve(name, source or {}, root)
            except SecretNotFoundError:
                continue  # whoever needs it fails with its name; not every run needs every secret
        self._send("secrets", values=sorted(values.values()))

    def _service(self, host: Any) -> str | None:
        name = host.get_name()
        if name not in self._services:
            found = (group.vars.get("service_name") for group in host.groups)
            self._services[name] = next((str(service) for service in found if service), None)
        return self._services[name]
