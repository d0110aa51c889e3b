# SPDX-License-Identifier: Apache-2.0
"""Figures against peers and limits: `make bench` writes RESULTS.md."""
