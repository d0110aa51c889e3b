# SPDX-License-Identifier: Apache-2.0
"""Plan, gate, supervise and record a run."""

from __future__ import annotations
