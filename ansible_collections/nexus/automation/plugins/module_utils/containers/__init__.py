# SPDX-License-Identifier: Apache-2.0
"""Instances as containers of a Docker engine, or of one that understands its calls (Docker Engine API, 1.41)."""
