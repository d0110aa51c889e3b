# SPDX-License-Identifier: Apache-2.0
"""What does not fit the schemas is told once, with its place and what is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects.registry_text import problems, read_cases, write_registries

CASES = Path(__file__).with_name("cases")


@pytest.mark.parametrize(("texts", "told"), read_cases(CASES / "schema.txt"))
def test_what_does_not_fit_the_schema_is_told_where_it_stands(tmp_path: Path, texts: dict[str, str], told: str) -> None:
    assert "\n".join(problems(write_registries(tmp_path, **texts))) == told
