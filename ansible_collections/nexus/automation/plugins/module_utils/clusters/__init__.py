# SPDX-License-Identifier: Apache-2.0
"""Clusters of Kubernetes: objects applied, pods replaced one by one, and why one does not become ready."""

from __future__ import annotations
