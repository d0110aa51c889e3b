# SPDX-License-Identifier: Apache-2.0
"""Five YAML registries compiled to Ansible, executed with ansible-runner, recorded in a verifiable ledger."""

from __future__ import annotations

__version__ = "0.1.0"
