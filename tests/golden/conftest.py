# SPDX-License-Identifier: Apache-2.0
"""`pytest tests/golden --update-golden` writes what is compiled now; review the difference before it is committed."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the one flag."""
    parser.addoption("--update-golden", action="store_true", help="write the compiled files of the golden cases anew")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written."""
    return bool(request.config.getoption("--update-golden", default=False))
