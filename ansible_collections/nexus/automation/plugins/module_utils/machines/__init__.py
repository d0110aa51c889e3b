# SPDX-License-Identifier: Apache-2.0
"""What a machine offers to instances, and which of them are placed on it."""
