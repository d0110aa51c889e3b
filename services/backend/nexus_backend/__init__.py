# SPDX-License-Identifier: Apache-2.0
"""The backend of the NEXUS example platform: visits in PostgreSQL, their count cached in Redis."""

from __future__ import annotations
