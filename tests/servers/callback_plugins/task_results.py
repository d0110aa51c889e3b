# SPDX-License-Identifier: GPL-3.0-or-later
"""Write one JSON line per task result to the file named by NEXUS_TEST_RESULTS."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: task_results
type: aggregate
short_description: Task results as JSON lines, for tests
description: Writes one line for each result of a task on a host.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Appends `{task, host, outcome, result}` for each result."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_results"

    def v2_runner_on_ok(self, result: Any) -> None:
        """Record a result that was not a failure."""
        self._record("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Record a failure."""
        self._record("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Record a skipped task."""
        self._record("skipped", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Record a host that did not answer."""
        self._record("unreachable", result)

    def _record(self, outcome: str, result: Any) -> None:
        line = {"task": result.task_name, "host": result.host.get_name(), "outcome": outcome, "result": result.result}
        with Path(os.environ["NEXUS_TEST_RESULTS"]).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line, default=str) + "\n")
