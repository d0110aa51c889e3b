# SPDX-License-Identifier: Apache-2.0
"""What any connection of Ansible must do, on each cloud."""

from __future__ import annotations

import hashlib
import os
import random
import uuid
from pathlib import Path

import pytest
import yaml

from tests.integration.connection.ground import Ground

pytestmark = pytest.mark.timeout(900)

CASES = Path(__file__).with_name("cases.yml")
LARGE = 30_000_000
LONG = 300_000


@pytest.mark.parametrize("pipelining", [True, False])
def test_the_cases_of_every_connection(ground: Ground, tmp_path: Path, pipelining: bool) -> None:
    tasks = yaml.safe_load(CASES.read_text("utf-8"))[0]["tasks"]
    remote = f"/tmp/汉语 {uuid.uuid4().hex}"
    variables = {"local": str(tmp_path / "汉语 here"), "remote": remote, "ansible_pipelining": pipelining}
    done = ground.play(tmp_path / "play", tasks, variables)
    assert done.returncode == 0, done.stdout


def test_large_files_go_there_and_back(ground: Ground, tmp_path: Path) -> None:
    content = random.Random(1).randbytes(LARGE)
    (tmp_path / "large").write_bytes(content)
    remote = f"/tmp/{uuid.uuid4().hex}"
    tasks = [
        {"ansible.builtin.copy": {"src": str(tmp_path / "large"), "dest": remote, "mode": "0600"}},
        {"ansible.builtin.stat": {"path": remote, "checksum_algorithm": "sha256"}, "register": "there"},
        {"ansible.builtin.assert": {"that": f"there.stat.checksum == '{hashlib.sha256(content).hexdigest()}'"}},
        {"ansible.builtin.fetch": {"src": remote, "dest": str(tmp_path / "back"), "flat": True}},
        {"ansible.builtin.file": {"path": remote, "state": "absent"}},
    ]
    done = ground.play(tmp_path / "play", tasks)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "back").read_bytes() == content


def test_output_arrives_whole_beyond_what_the_api_returns(ground: Ground, tmp_path: Path) -> None:
    command = f"head -c {LONG} /dev/zero | tr '\\0' o; head -c {LONG} /dev/zero | tr '\\0' e >&2"
    tasks = [
        {"ansible.builtin.shell": command, "register": "wrote"},
        {"ansible.builtin.assert": {"that": [f"wrote.stdout == 'o' * {LONG}", f"wrote.stderr == 'e' * {LONG}"]}},
        {"ansible.builtin.raw": command, "register": "raw"},
        {"ansible.builtin.assert": {"that": [f"raw.stdout == 'o' * {LONG}", f"raw.stderr == 'e' * {LONG}"]}},
    ]
    done = ground.play(tmp_path, tasks)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("password", [{}, {"ansible_become_password": "nobody asks for it"}], ids=["", "password"])
def test_commands_run_as_root_and_become_others(
    ground: Ground, tmp_path: Path, pipelining: bool, password: dict[str, str]
) -> None:
    tasks = [
        {"ansible.builtin.command": "id -un", "register": "first"},
        {"ansible.builtin.command": "id -un", "become": True, "register": "root"},
        {"ansible.builtin.command": "id -un", "become": True, "become_user": "nobody", "register": "other"},
        {"ansible.builtin.raw": "id -un", "become": True, "become_user": "nobody", "register": "raw"},
        {"ansible.builtin.assert": {"that": "[first.stdout, root.stdout, other.stdout] == ['root', 'root', 'nobody']"}},
        {"ansible.builtin.assert": {"that": "raw.stdout_lines == ['nobody']"}},
    ]
    done = ground.play(tmp_path, tasks, {"ansible_pipelining": pipelining, **password})
    assert done.returncode == 0, done.stdout


def test_the_shell_is_as_a_login_would_have_it(ground: Ground, tmp_path: Path) -> None:
    umask = f"{os.umask(0o077):04o}"  # this process's own must not matter
    os.umask(int(umask, 8))
    checks = "umask; echo $HOME; sh -c 'kill -s INT $$; echo not reached'; ls -l /proc/self/fd | wc -l"
    tasks = [
        {"ansible.builtin.raw": checks, "register": "told"},
        {"ansible.builtin.assert": {"that": "told.stdout_lines == ['0022', '/root', '5']"}},
    ]
    done = ground.play(tmp_path, tasks)
    assert done.returncode == 0, done.stdout


def test_a_module_goes_on_after_the_command_that_began_it(ground: Ground, tmp_path: Path) -> None:
    tasks = [{"ansible.builtin.command": "sleep 2", "async": 60, "poll": 1, "register": "slept"}]
    tasks.append({"ansible.builtin.assert": {"that": "slept.rc == 0 and slept.finished"}})
    done = ground.play(tmp_path, tasks)
    assert done.returncode == 0, done.stdout
