# SPDX-License-Identifier: Apache-2.0
"""`python -m nexus_ansible`: the same as `nexus-ansible`."""

from __future__ import annotations

from nexus_ansible.cli.main import main

main()
