# SPDX-License-Identifier: Apache-2.0
"""Real servers for tests: each module starts one kind on free loopback ports, as a context manager and as a fixture."""

from __future__ import annotations
