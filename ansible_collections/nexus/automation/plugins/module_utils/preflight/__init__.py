# SPDX-License-Identifier: Apache-2.0
"""What a deployment needs of its host, checked before anything is changed: one kind of need per file.

Each `check_…` takes the needs and returns one sentence for each that is not met: what, who needs it, and what to do.
"""

from __future__ import annotations
