# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules that deal with programs under supervision."""

from __future__ import annotations


class ModuleDocFragment:
    """Options documented once for all of them."""

    DOCUMENTATION = """
options:
  supervision:
    description: What runs the programs.
    type: str
    default: supervisor
    choices: [supervisor, systemd]
  socket:
    description: For V(supervisor), the socket of its supervisord.
    type: path
  scope:
    description: For V(systemd), whether the units are the system's or the user's.
    type: str
    default: system
    choices: [system, user]
"""
