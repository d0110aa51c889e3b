# SPDX-License-Identifier: Apache-2.0
"""Artefacts: built from source trees the same way every time, and unpacked as releases."""

from __future__ import annotations
