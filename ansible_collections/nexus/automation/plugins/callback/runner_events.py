# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-runner has printed of a run, less the event of each host that begins a task."""

from __future__ import annotations

DOCUMENTATION = """
name: runner_events
type: stdout
short_description: ansible-runner's events without those of hosts that begin a task
version_added: 0.1.0
description:
  - Prints what ansible-runner's own callback C(awx_display) does, by which the runner learns of results. That one also
    tells it of each host that begins a task, which is half of its events and is not compared with the ledger's records.
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


class CallbackModule(RunnerDisplay):  # type: ignore[misc]
    """Ansible calls no method that is CallbackBase's own."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "nexus.automation.runner_events"

    v2_runner_on_start = CallbackBase.v2_runner_on_start
