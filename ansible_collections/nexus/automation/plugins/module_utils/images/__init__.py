# SPDX-License-Identifier: Apache-2.0
"""Container images: made of a base and new layers the same way every time, and brought where they belong."""

from __future__ import annotations
