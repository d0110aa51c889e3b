# SPDX-License-Identifier: Apache-2.0
"""The command line: one file for each command, one error handler."""

from __future__ import annotations
