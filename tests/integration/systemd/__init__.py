# SPDX-License-Identifier: Apache-2.0
"""Supervision by a systemd that has really booted."""
