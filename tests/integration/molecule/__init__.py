# SPDX-License-Identifier: Apache-2.0
"""Every role's own scenario."""
