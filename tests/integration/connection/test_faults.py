# SPDX-License-Identifier: Apache-2.0
"""What a fault of the cloud, of the control node or of the machine leads to, on each cloud."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.connection.conftest import OWN
from tests.integration.connection.ground import Ground
from tests.servers.debian import require
from tests.servers.run_command.aws import EXPIRED_TOKEN, Aws
from tests.servers.run_command.azure import Azure
from tests.servers.waiting import wait_until

SECRET = "correct-horse-battery-staple"
AHEAD_S = 1800

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(OWN in os.environ, reason="a user's cloud is not to be broken"),
]


def _slept(ground: Ground, mark: str) -> bool:
    """Say whether the command with this mark runs on the machine."""
    return ground.container.attempt("pgrep", "-f", f"sleep {mark}").returncode == 0


def _mark() -> str:
    """An argument of sleep(1) that no other has."""
    return f"600.{uuid.uuid4().int % 10**12:012}"


def _kept(ground: Ground) -> set[str]:
    """What machine and cloud keep of commands."""
    files = ground.container.run("sh", "-c", "ls -d /tmp/nexus-run-command.* 2> /dev/null || true")
    return {*files.split(), *ground.cloud.objects(), *ground.cloud.commands()}


@pytest.fixture(autouse=True)
def _clean(ground: Ground) -> Iterator[None]:
    """Whatever happens, nothing stays behind: no file of the machine, no object, no record that counts."""
    before = _kept(ground)  # of a test that failed for it
    yield
    wait_until(lambda: _kept(ground) <= before, "everything is removed")


def test_the_records_hold_neither_command_nor_input_nor_output(ground: Ground, tmp_path: Path) -> None:
    tasks = [
        {"ansible.builtin.raw": f"echo {SECRET}"},
        {"ansible.builtin.copy": {"content": SECRET, "dest": "/tmp/secret", "mode": "0600"}, "no_log": True},
        {"ansible.builtin.command": "cat /tmp/secret", "register": "read"},
        {"ansible.builtin.assert": {"that": f"read.stdout == '{SECRET}'"}},
    ]
    done = ground.play(tmp_path, tasks)
    assert done.returncode == 0, done.stdout
    assert "nexus_carry" in ground.cloud.records()
    assert SECRET not in ground.cloud.records()


def test_azure_keeps_even_the_address_to_itself(ground: Ground, tmp_path: Path) -> None:
    done = ground.play(tmp_path, [{"ansible.builtin.raw": "true"}])
    assert done.returncode == 0, done.stdout
    assert ("X-Amz-Signature" in ground.cloud.records()) == isinstance(ground.cloud, Aws)
    assert "sig=" not in ground.cloud.records()


def test_a_token_that_expired_names_the_host_and_what_to_do(ground: Ground, tmp_path: Path) -> None:
    cloud, environment = ground.cloud, {}
    if isinstance(cloud, Azure):
        cloud.tokens_expired = True
    else:
        environment = {"AWS_SESSION_TOKEN": EXPIRED_TOKEN}
    try:
        done = ground.play(tmp_path, [{"ansible.builtin.raw": "true"}], environment=environment)
    finally:
        if isinstance(cloud, Azure):
            cloud.tokens_expired = False
    assert done.returncode == 4, done.stdout
    assert "[machine]: UNREACHABLE" in done.stdout
    assert "expired" in done.stdout
    assert "Log in again" in done.stdout


def test_a_wrong_clock_is_named(ground: Ground, tmp_path: Path) -> None:
    require(faketime="faketime")
    ahead = [str(shutil.which("faketime")), "-f", f"+{AHEAD_S}s"]
    done = ground.play(tmp_path, [{"ansible.builtin.raw": "true"}], prefix=ahead)
    assert done.returncode == 4, done.stdout
    assert "clock of the control node" in done.stdout
    assert "timedatectl" in done.stdout


def test_a_command_that_takes_too_long_is_ended_on_the_machine(ground: Ground, tmp_path: Path) -> None:
    mark = _mark()
    task = {"ansible.builtin.raw": f"sleep {mark} & sleep {mark}; wait"}
    done = ground.play(tmp_path, [task], {"ansible_run_command_execution_timeout": 3})
    assert done.returncode == 4, done.stdout
    assert "did not end in time" in done.stdout
    assert "ansible_run_command_execution_timeout" in done.stdout
    wait_until(lambda: not _slept(ground, mark), "the command has ended on the machine")


def test_a_task_that_runs_out_of_time_ends_its_command(ground: Ground, tmp_path: Path) -> None:
    mark = _mark()
    done = ground.play(tmp_path, [{"ansible.builtin.command": f"sleep {mark}", "timeout": 5}])
    assert done.returncode == 2, done.stdout
    wait_until(lambda: not _slept(ground, mark), "the command has ended on the machine")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
@pytest.mark.parametrize("become", [False, True], ids=["", "become"])
def test_a_run_that_is_ended_ends_its_command(
    ground: Ground, tmp_path: Path, number: signal.Signals, become: bool
) -> None:
    mark = _mark()
    task = {"ansible.builtin.command": f"sleep {mark}", "become": become, "become_user": "nobody"}
    with ground.playing(tmp_path, [task]) as process:
        wait_until(lambda: _slept(ground, mark), "the command runs")
        if number == signal.SIGKILL:
            for pid in _processes_of(process.pid):
                os.kill(pid, number)
        else:
            process.send_signal(number)
        process.communicate(timeout=60)
    wait_until(lambda: not _slept(ground, mark), "the command has ended on the machine")


def test_a_command_is_ended_whose_id_never_arrived(ground: Ground, tmp_path: Path) -> None:
    """The control node dies after the cloud took a command, and before it said so."""
    mark = _mark()
    ground.cloud.holds_back = answer = threading.Event()
    try:
        with ground.playing(tmp_path, [{"ansible.builtin.raw": f"sleep {mark}"}]) as process:
            wait_until(lambda: _slept(ground, mark), "the command runs")
            for pid in _processes_of(process.pid):
                os.kill(pid, signal.SIGKILL)
            process.communicate(timeout=60)
    finally:
        answer.set()
    wait_until(lambda: not _slept(ground, mark), "the command has ended on the machine")


def test_a_task_that_runs_out_of_time_before_the_cloud_answers_ends_its_command(ground: Ground, tmp_path: Path) -> None:
    mark = _mark()
    ground.cloud.holds_back = answer = threading.Event()
    try:
        with ground.playing(tmp_path, [{"ansible.builtin.raw": f"sleep {mark}", "timeout": 15}]) as process:
            wait_until(lambda: _slept(ground, mark), "the command runs")
            stdout, _ = process.communicate(timeout=120)
    finally:
        answer.set()
    assert process.returncode == 2, stdout
    wait_until(lambda: not _slept(ground, mark), "the command has ended on the machine")


def _processes_of(parent: int) -> list[int]:
    """A process of Ansible, and its workers; not the one that watches over them."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text("ascii").split()
    return [parent, *map(int, children)]


def test_a_machine_that_does_not_answer_is_unreachable(ground: Ground, tmp_path: Path) -> None:
    ground.cloud.offline = True
    try:
        done = ground.play(tmp_path, [{"ansible.builtin.raw": "true"}])
    finally:
        ground.cloud.offline = False
    assert done.returncode == 4, done.stdout
    assert "did not take the command" in done.stdout
    assert "agent" in done.stdout


def test_an_unknown_machine_is_named(ground: Ground, tmp_path: Path) -> None:
    unknown = {
        "ansible_aws_run_command_instance": "i-00000000000000000",
        "ansible_azure_run_command_machine": "i-00000000000000000",
    }
    done = ground.play(tmp_path, [{"ansible.builtin.raw": "true"}], unknown)
    assert done.returncode == 4, done.stdout
    assert "i-00000000000000000" in done.stdout


def test_an_unknown_store_is_named(ground: Ground, tmp_path: Path) -> None:
    unknown = {"ansible_aws_run_command_bucket": "missing", "ansible_azure_run_command_container": "missing"}
    done = ground.play(tmp_path, [{"ansible.builtin.raw": "true"}], unknown)
    assert done.returncode == 4, done.stdout
    assert "there is no such" in done.stdout


def test_missing_credentials_are_named(ground: Ground, tmp_path: Path) -> None:
    without = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "", "IDENTITY_ENDPOINT": ""}
    done = ground.play(tmp_path, [{"ansible.builtin.raw": "true"}], environment={**without, "HOME": str(tmp_path)})
    assert done.returncode == 4, done.stdout
    assert "credentials on the control node" in done.stdout


def test_a_machine_whose_shell_is_bash_does_the_same(ground: Ground, tmp_path: Path) -> None:
    mark = _mark()
    tasks = [
        {"ansible.builtin.raw": "echo 汉语; exit 3", "register": "said", "failed_when": "said.rc != 3"},
        {"ansible.builtin.command": "id -un", "become": True, "become_user": "nobody", "register": "name"},
        {"ansible.builtin.assert": {"that": "said.stdout_lines + name.stdout_lines == ['汉语', 'nobody']"}},
        {"ansible.builtin.raw": f"sleep {mark}", "vars": {"ansible_run_command_execution_timeout": 3}},
    ]
    ground.container.run("ln", "-sf", "bash", "/bin/sh")
    try:
        done = ground.play(tmp_path, tasks)
        wait_until(lambda: not _slept(ground, mark), "the command has ended on the machine")
    finally:
        ground.container.run("ln", "-sf", "dash", "/bin/sh")
    assert done.returncode == 4, done.stdout
    assert "did not end in time" in done.stdout


def test_python_carries_where_curl_is_missing(ground: Ground, tmp_path: Path) -> None:
    tasks = [
        {"ansible.builtin.copy": {"content": "汉语", "dest": "/tmp/carried", "mode": "0600"}},
        {"ansible.builtin.command": "cat /tmp/carried", "register": "read"},
        {"ansible.builtin.assert": {"that": "read.stdout == '汉语'"}},
        {"ansible.builtin.fetch": {"src": "/tmp/carried", "dest": str(tmp_path / "back"), "flat": True}},
    ]
    ground.container.run("mv", "/usr/bin/curl", "/usr/bin/curl.away")
    try:
        done = ground.play(tmp_path / "play", tasks, {"ansible_pipelining": False})
    finally:
        ground.container.run("mv", "/usr/bin/curl.away", "/usr/bin/curl")
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "back").read_text("utf-8") == "汉语"


def test_a_machine_that_cannot_carry_says_so(ground: Ground, tmp_path: Path) -> None:
    away = "for name in curl python3; do mv /usr/bin/$name /usr/bin/$name.away; done"
    ground.container.run("sh", "-c", away)
    try:
        done = ground.play(tmp_path, [{"ansible.builtin.raw": "true"}])
    finally:
        ground.container.run("sh", "-c", "for name in curl python3; do mv /usr/bin/$name.away /usr/bin/$name; done")
    assert done.returncode == 4, done.stdout
    assert "neither curl nor python3" in done.stdout


def test_a_directory_that_is_missing_is_told(ground: Ground, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content", encoding="utf-8")
    variables = {"ansible_pipelining": False, "ansible_remote_tmp": "/proc/nowhere"}
    done = ground.play(tmp_path, [{"ansible.builtin.ping": {}}], variables)
    assert done.returncode == 4, done.stdout
    assert "/proc/nowhere" in done.stdout
