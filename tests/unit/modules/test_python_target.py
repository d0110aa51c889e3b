# SPDX-License-Identifier: Apache-2.0
"""Which pins and wheels are for another Python than the one that installs them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.artefacts.python_target import (
    QUERY,
    PythonTarget,
    parse_target,
    this_python,
)
from ansible_collections.nexus.automation.plugins.module_utils.errors import AdapterError

OLD = PythonTarget("3.11.2", "linux-x86_64", "2.17")
LOCK = """# written by hand
async-timeout==5.0.1 ; python_full_version < '3.11.3' and sys_platform == 'linux' \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via redis
Colour[extra]==1.0 ; python_version >= "3.12" \\
    --hash=sha256:cc
redis==6.4.0 --hash=sha256:dd
"""


def test_pins_are_chosen_by_the_target_and_lose_their_conditions() -> None:
    chosen = [" ".join(line.split()) for line in OLD.chosen(LOCK).splitlines()]
    assert chosen == ["async-timeout==5.0.1 --hash=sha256:aa --hash=sha256:bb", "redis==6.4.0 --hash=sha256:dd"]
    newer = PythonTarget("3.12.1", "linux-x86_64", "2.36").chosen(LOCK)
    assert [line.split()[0] for line in newer.splitlines()] == ["Colour==1.0", "redis==6.4.0"]


def test_a_line_that_is_no_pin_is_named() -> None:
    with pytest.raises(AdapterError, match=r"'\./local' is no pinned requirement"):
        OLD.chosen("./local\n")


def test_pip_is_told_every_tag_that_the_glibc_can_run() -> None:
    options = OLD.pip_options()
    assert options[:2] == ["--python-version=3.11.2", "--implementation=cp"]
    assert options[2] == "--platform=manylinux_2_17_x86_64"
    assert "--platform=manylinux2014_x86_64" in options
    assert "--platform=manylinux_2_18_x86_64" not in options
    assert options[-1] == "--platform=linux_x86_64"


def test_an_older_glibc_serves_a_newer_one_and_not_the_other_way_round() -> None:
    new = PythonTarget("3.11.2", "linux-x86_64", "2.36")
    assert OLD.serves(new)
    assert not new.serves(OLD)
    assert not OLD.serves(PythonTarget("3.11.3", "linux-x86_64", "2.36"))


def test_this_python_is_what_an_interpreter_says_of_itself() -> None:
    told = subprocess.run([sys.executable, "-c", QUERY], capture_output=True, text=True, check=True, timeout=60).stdout
    assert parse_target(told) == this_python()
