# SPDX-License-Identifier: Apache-2.0
"""What the registries mean: frozen data, units and rules. No clock, no disk, no network."""

from __future__ import annotations
