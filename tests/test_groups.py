# SPDX-License-Identifier: Apache-2.0
"""Tests that share a platform must share a worker process: two platforms would want the same ports."""

from __future__ import annotations

import os

import pytest


@pytest.mark.xdist_group("probe")
def test_the_tests_of_a_group_are_kept_together(request: pytest.FixtureRequest) -> None:
    in_parallel = "PYTEST_XDIST_WORKER" in os.environ
    assert request.node.nodeid.endswith("@probe") == in_parallel
