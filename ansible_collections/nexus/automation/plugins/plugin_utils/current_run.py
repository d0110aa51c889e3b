# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run that this process belongs to, as its recorder named it."""

from __future__ import annotations

_run = ""


def remember_run(run: str) -> None:
    """Keep the id in this process, and in the workers it forks."""
    global _run
    _run = run


def current_run() -> str:
    """The run's id; empty when the run is not recorded."""
    return _run
