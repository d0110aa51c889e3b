# SPDX-License-Identifier: Apache-2.0
"""Polling with a limit, in place of sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

POLL_S = 0.02


def wait_until(condition: Callable[[], Value], what: str, limit_s: float = 30.0) -> Value:
    """Call `condition` until it returns something true, and return that; raise TimeoutError after `limit_s` seconds."""
    end = time.monotonic() + limit_s
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {limit_s:g} s")
        time.sleep(POLL_S)
    return value
