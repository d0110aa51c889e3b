# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that the connections through a cloud's Run Command have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """Options documented once for all of them."""

    DOCUMENTATION = """
options:
  prefix:
    description: Names of all objects in the store begin with it.
    type: str
    default: nexus-run-command/
    vars:
      - name: ansible_run_command_prefix
  delivery_timeout:
    description: Seconds in which the machine must have begun a command, where the cloud can say so.
    type: int
    default: 120
    vars:
      - name: ansible_run_command_delivery_timeout
  execution_timeout:
    description: Seconds that a command may take. The cloud ends it on the machine then, and the host is unreachable.
    type: int
    default: 3600
    vars:
      - name: ansible_run_command_execution_timeout
  pipelining:
    description:
      - Whether a module goes to the machine as the input of one command, instead of as a file in four.
    type: bool
    default: true
    env:
      - name: ANSIBLE_PIPELINING
    ini:
      - section: defaults
        key: pipelining
    vars:
      - name: ansible_pipelining
notes:
  - Commands run as root. The remote user is not used; O(ansible.builtin.sudo#become:become_user) is.
  - Nothing is installed on the machine. It needs C(sh), the core utilities, C(setsid), C(curl) or C(python3), the
    cloud's agent, and a way to the object store by https.
  - The cloud's records hold neither the command nor its input nor its output, only a script that fetches them by an
    address that is void once the command has ended.
  - Nobody asks root for a become password. One that is set for other hosts does no harm.
"""
