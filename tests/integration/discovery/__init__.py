# SPDX-License-Identifier: Apache-2.0
"""Machines that are discovered, and runs that are refused because of what was found."""
