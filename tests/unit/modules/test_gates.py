# SPDX-License-Identifier: Apache-2.0
"""Gates are laid closed, and only with names that a proxy can read."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.errors import AdapterError
from ansible_collections.nexus.automation.plugins.module_utils.proxies.gates import (
    CLOSED,
    gate_path,
    lay_gates,
    missing_gates,
    open_gate,
    read_gate,
)


def test_laying_gates_leaves_those_that_are_open(tmp_path: Path) -> None:
    lay_gates(missing_gates(tmp_path / "gates", ["a-1"]))
    gate = gate_path(tmp_path / "gates", "a-1")
    assert gate.read_text() == CLOSED
    open_gate(gate, "127.0.0.1:1")
    missing = missing_gates(tmp_path / "gates", ["a-1", "a-2"])
    assert [path.name for path in missing] == ["a-2"]
    lay_gates(missing)
    assert (read_gate(gate), read_gate(gate_path(tmp_path / "gates", "a-2"))) == ("127.0.0.1:1", "")
    assert (tmp_path / "gates").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("folder", "name", "problem"),
    [("gates", "../x", "use letters, digits"), ("gates", "", "use letters, digits"), ("a}b", "x", "with braces in it")],
)
def test_a_gate_that_caddy_could_not_read_is_refused(folder: str, name: str, problem: str) -> None:
    with pytest.raises(AdapterError, match=problem):
        gate_path(Path(folder), name)
