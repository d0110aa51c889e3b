# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-runner is told of a run: all but results, which the ledger alone is told."""

from __future__ import annotations

DOCUMENTATION = """
name: runner_events
type: stdout
short_description: ansible-runner's events without those of results
version_added: 0.1.0
description:
  - Prints what ansible-runner's own callback C(awx_display) does, less the events of hosts that begin a task and of
    their results. Those are recorded by P(nexus.automation.ledger#callback), so an event of a result in the output was
    printed by a module.
  - Failures, warnings and deprecations are shown as text. What went well is shown with C(-v).
  - Chosen by nexus-ansible for its runs; nothing else needs it.
requirements:
  - ansible-runner, which chooses where C(awx_display) is found
extends_documentation_fragment:
  - default_callback
author:
  - nexus-ansible contributors (!UNKNOWN)
"""

from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import callback_loader

RunnerDisplay: Any = callback_loader.get("awx_display", class_only=True)
Text: Any = RunnerDisplay.__base__


class CallbackModule(RunnerDisplay):  # type: ignore[misc]
    """Puts back, for results, what the runner's callback wraps into events; Ansible calls no method of CallbackBase."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "nexus.automation.runner_events"

    v2_runner_on_start = CallbackBase.v2_runner_on_start
    v2_runner_on_failed = Text.v2_runner_on_failed
    v2_runner_on_unreachable = Text.v2_runner_on_unreachable
    v2_runner_on_async_poll = Text.v2_runner_on_async_poll
    v2_runner_on_async_ok = Text.v2_runner_on_async_ok
    v2_runner_on_async_failed = Text.v2_runner_on_async_failed
    v2_runner_item_on_failed = Text.v2_runner_item_on_failed

    def v2_runner_on_ok(self, result: Any) -> None:
        """Show a result that nobody has to look at."""
        self._show(Text.v2_runner_on_ok, result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Show a skipped task."""
        self._show(Text.v2_runner_on_skipped, result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        """Show an item of a loop."""
        self._show(Text.v2_runner_item_on_ok, result)

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        """Show a skipped item of a loop."""
        self._show(Text.v2_runner_item_on_skipped, result)

    def v2_runner_retry(self, result: Any) -> None:
        """Show that a task is tried again, as Ansible does without the warnings of the attempt."""
        if self._display.verbosity:
            Text.v2_runner_retry(self, result)

    def v2_on_file_diff(self, result: Any) -> None:
        """Show a difference, which is part of the result that the ledger records."""
        if self._display.verbosity:
            Text.v2_on_file_diff(self, result)

    def _show(self, text: Any, result: Any) -> None:
        if self._display.verbosity:
            text(self, result)
        else:
            self._handle_warnings_and_exception(result)
