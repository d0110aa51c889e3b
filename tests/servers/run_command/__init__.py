# SPDX-License-Identifier: Apache-2.0
"""Clouds whose Run Command really runs what it is sent, in a container."""
