# SPDX-License-Identifier: Apache-2.0
"""Every Python that is supported and here: the locked requirements install, and the unit tests pass.

The Python that runs the tests has the whole suite. On the others, tests that only take long stay out.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement

from tests.packaging.building import REPOSITORY, make_environment, run
from tests.packaging.interpreters import CURRENT, SUPPORTED, interpreters

pytestmark = pytest.mark.timeout(1800)

NEWEST_CORE = {"3.11": "2.19", "3.12": "2.21", "3.13": "2.21"}
LONG = (
    "registries/test_mutations.py",
    "ledger/test_faults.py",
    "ledger/test_recovery.py",
    "ledger/test_verify.py",
    "cli",
    "modules/test_proxies.py",
    "modules/test_releases.py",
    "modules/test_supervised_programs.py",
    "modules/test_documentation.py",
)


def locked(name: str) -> dict[str, dict[str, str]]:
    """Versions by name for each supported Python, as a file of `requirements/` pins them."""
    lines = (REPOSITORY / "requirements" / name).read_text("utf-8").splitlines()
    pins = [Requirement(line.removesuffix("\\").strip()) for line in lines if re.match(r"[a-z0-9]", line)]
    found: dict[str, dict[str, str]] = {version: {} for version in SUPPORTED}
    for version, versions in found.items():
        for pin in pins:
            if pin.marker is None or _applies(pin.marker, version):
                versions[pin.name] = str(pin.specifier).removeprefix("==")
    return found


def _applies(marker: Marker, version: str) -> bool:
    return marker.evaluate({"python_version": version, "python_full_version": f"{version}.0"})


@pytest.mark.parametrize("name", ["runtime.txt", "dev.txt"])
def test_each_python_has_the_newest_ansible_core_that_runs_on_it(name: str) -> None:
    pinned = {version: versions["ansible-core"].rpartition(".")[0] for version, versions in locked(name).items()}
    assert pinned == NEWEST_CORE


def test_what_the_runtime_pins_the_development_set_pins_too() -> None:
    runtime, development = locked("runtime.txt"), locked("dev.txt")
    for version in SUPPORTED:
        assert runtime[version].items() <= development[version].items()


def test_every_pin_has_digests() -> None:
    for name in ("runtime.txt", "dev.txt"):
        text = (REPOSITORY / "requirements" / name).read_text("utf-8").replace("\\\n", "")
        pins = [line for line in text.splitlines() if re.match(r"[a-z0-9]", line)]
        assert [pin for pin in pins if "--hash=sha256:" not in pin] == []


OTHERS = [version for version in interpreters() if version != CURRENT] or [CURRENT]


@pytest.mark.parametrize("version", OTHERS)
def test_the_unit_tests_pass_on_another_python(version: str, source: Path, tmp_path: Path) -> None:
    lock = REPOSITORY / "requirements" / "dev.txt"
    python = interpreters()[version][0]
    programs = make_environment(tmp_path / "venv", python, "--require-hashes", "--requirement", str(lock))
    told = run([str(programs / "ansible"), "--version"], source, _environment(programs, tmp_path)).stdout
    assert f"ansible [core {locked('dev.txt')[version]['ansible-core']}]" in told
    left_out = [f"--ignore=tests/unit/{path}" for path in LONG]
    argv = [str(programs / "python"), "-m", "pytest", "tests/unit", "-n", "0", "-p", "no:cacheprovider", *left_out]
    done = run(argv, source, _environment(programs, tmp_path))
    summary = re.search(r"=+ ([0-9]+) passed(.*) in ", done.stdout)
    assert summary is not None, done.stdout[-2000:]
    assert int(summary[1]) > 300
    assert "skipped" not in summary[2]


def _environment(programs: Path, directory: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "HTTP", "http"))}
    path = f"{programs}:{os.defpath}"
    return {**kept, "PATH": path, "HOME": str(directory), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
