# SPDX-License-Identifier: Apache-2.0
"""Connections to machines that only a cloud's Run Command reaches."""
