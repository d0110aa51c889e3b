# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: fast
short_description: Run tasks as C(linear) does, through Mitogen, on all processors
version_added: 0.1.0
author: nexus-ansible contributors
description:
  - Hosts do the same tasks in the same order as with P(ansible.builtin.linear#strategy). Mitogen keeps a Python process
    on each host, so that a task needs no new one and no copy of the module.
  - Mitogen's own strategy ties the processes of a run to single processors; with two or three of them all work is on
    one less, and that of several runs on the same ones. Here the kernel chooses.
requirements:
  - The Python package mitogen 0.3.54 or newer on the control node, and an ansible-core that it supports
seealso:
  - plugin: ansible.builtin.linear
    plugin_type: strategy
"""

import ansible_mitogen.affinity
import ansible_mitogen.loaders
import ansible_mitogen.strategy

ansible_mitogen.affinity.policy = ansible_mitogen.affinity.Policy()

Linear = ansible_mitogen.loaders.strategy_loader.get("linear", class_only=True)


class StrategyModule(ansible_mitogen.strategy.StrategyMixin, Linear):
    """The strategy `nexus.automation.fast`."""
