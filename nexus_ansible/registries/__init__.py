# SPDX-License-Identifier: Apache-2.0
"""YAML registries to checked data: every value knows its file, line and column."""

from __future__ import annotations
