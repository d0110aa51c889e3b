# SPDX-License-Identifier: Apache-2.0
"""The frontend of the NEXUS example platform: a page that records a visit and shows what served it."""

from __future__ import annotations
