# SPDX-License-Identifier: Apache-2.0
"""Compiled inventories lead Ansible to real ssh servers: to those whose key the registry holds, and to no others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from nexus_ansible.compile.project import check_project, compile_project
from tests.projects import make_project, nexus
from tests.projects.registry_text import write_registries
from tests.servers.short_paths import short_directory
from tests.servers.sshd import SshServer, make_key, start_sshd

LIMIT_S = 120
REFUSED = "Host key verification failed."


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """The machine that instances are on."""
    with start_sshd(tmp_path_factory.mktemp("machine")) as server:
        yield server


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """A bastion."""
    with start_sshd(tmp_path_factory.mktemp("gate")) as server:
        yield server


@pytest.fixture
def control_paths() -> Iterator[Path]:
    """A directory for the sockets of shared connections, which are closed after the test."""
    with short_directory() as directory:
        yield directory
        for socket in directory.iterdir():
            argv = ["ssh", "-O", "exit", "-o", f"ControlPath={socket}", "nobody"]
            subprocess.run(argv, check=True, capture_output=True, timeout=LIMIT_S)


def _reached(server: SshServer, **ssh: Any) -> dict[str, Any]:
    """How a machine is reached: by its own key, and with the one key that it is known by."""
    known = {"port": server.port, "user": server.user, "private_key_file": str(server.private_key)}
    return {**known, "host_keys": [server.host_key], **ssh}


def _compiled(root: Path, server: SshServer, environment: Mapping[str, Any] | None = None, **ssh: Any) -> Path:
    """A project with one machine and one instance, and a name that needs quotes everywhere."""
    project = root / "it's 100% a project"
    data = {
        "runner": "ssh",
        "ssh": {"python": sys.executable},
        "machines": {"web-1": {"address": "192.0.2.1", "ssh": _reached(server, host="127.0.0.1", **ssh)}},
        **(environment or {}),
    }
    registry = {"orchestration": {"services": {"api": {}}, "environments": {"lab": data}}}
    compilation = compile_project(check_project(write_registries(project, orchestration=yaml.safe_dump(registry))))
    for path, text in compilation.files.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text, encoding="utf-8")
    return project


def _ansible(project: Path, sockets: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {
        "PATH": os.environ["PATH"],
        "HOME": str(sockets.parent),
        "LANG": "C.UTF-8",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(sockets),
        "ANSIBLE_LOCAL_TEMP": str(project / "tmp"),
        **environment,
    }
    return subprocess.run(
        [str(Path(sys.executable).with_name("ansible")), "-i", "inventories/lab", "--forks", "1", *arguments],
        cwd=project,
        env=own,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def test_a_machine_and_its_instances_share_one_connection(
    tmp_path: Path, control_paths: Path, machine: SshServer
) -> None:
    project = _compiled(tmp_path, machine)
    before = machine.logins()

    done = _ansible(project, control_paths, "machines:api", "-m", "ansible.builtin.ping")

    assert done.returncode == 0, done.stdout + done.stderr
    assert (done.stdout.count('"ping": "pong"'), machine.logins() - before) == (2, 1)
    assert len(list(control_paths.iterdir())) == 1


def test_a_machine_with_another_key_is_refused(tmp_path: Path, control_paths: Path, machine: SshServer) -> None:
    project = _compiled(tmp_path, machine, host_keys=[make_key(tmp_path / "other")])
    before = machine.logins()

    done = _ansible(project, control_paths, "web-1", "-m", "ansible.builtin.ping")

    assert "UNREACHABLE" in done.stdout
    assert REFUSED in done.stdout
    assert machine.logins() == before


def test_a_setting_of_ansible_does_not_switch_the_check_off(
    tmp_path: Path, control_paths: Path, machine: SshServer
) -> None:
    project = _compiled(tmp_path, machine, host_keys=[make_key(tmp_path / "other")])

    done = _ansible(project, control_paths, "api-1", "-m", "ansible.builtin.ping", ANSIBLE_HOST_KEY_CHECKING="false")

    assert "UNREACHABLE" in done.stdout
    assert REFUSED in done.stdout


def test_a_machine_that_neither_the_registry_nor_the_user_knows_is_refused(
    tmp_path: Path, control_paths: Path, machine: SshServer
) -> None:
    project = _compiled(tmp_path, machine)
    registry = project / "config" / "ssot" / "orchestration_registry.yaml"
    data = yaml.safe_load(registry.read_text("utf-8"))
    del data["orchestration"]["environments"]["lab"]["machines"]["web-1"]["ssh"]["host_keys"]
    files = compile_project(check_project(write_registries(project, orchestration=yaml.safe_dump(data)))).files
    (project / "inventories/lab/hosts").write_text(files["inventories/lab/hosts"], encoding="utf-8")

    done = _ansible(project, control_paths, "web-1", "-m", "ansible.builtin.ping")

    assert "inventories/lab/known_hosts.txt" not in files
    assert "UNREACHABLE" in done.stdout
    assert REFUSED in done.stdout


def test_a_new_machine_is_remembered_where_the_registry_says_so(
    tmp_path: Path, control_paths: Path, machine: SshServer
) -> None:
    data = {"runner": "ssh", "machines": {"web-1": {"address": "127.0.0.1", "ssh": {"host_key_policy": "accept_new"}}}}
    own = _reached(machine)
    del own["host_keys"]
    data["ssh"] = {**own, "python": sys.executable}  # type: ignore[assignment]
    project = _compiled(tmp_path, machine, data)
    remembered = tmp_path / "known"
    mine = f"-o ControlMaster=no -o UserKnownHostsFile={remembered}"

    done = _ansible(project, control_paths, "web-1", "-m", "ansible.builtin.ping", ANSIBLE_SSH_ARGS=mine)

    assert done.returncode == 0, done.stdout + done.stderr
    assert machine.host_key.split()[1] in remembered.read_text("utf-8")


def test_a_machine_behind_a_bastion_is_reached_through_it(
    tmp_path: Path, control_paths: Path, machine: SshServer, gate: SshServer
) -> None:
    bastions = {"gate-1": {"address": "127.0.0.1", **_reached(gate)}}
    project = _compiled(tmp_path, machine, {"bastions": bastions}, bastion="gate-1")
    before = machine.logins(), gate.logins()

    done = _ansible(project, control_paths, "web-1", "-m", "ansible.builtin.ping")

    assert done.returncode == 0, done.stdout + done.stderr
    assert (machine.logins() - before[0], gate.logins() - before[1]) == (1, 1)


def test_two_bastions_follow_each_other(
    tmp_path: Path, control_paths: Path, machine: SshServer, gate: SshServer
) -> None:
    key = tmp_path / "it's 100% a project" / "keys" / "gate"
    key.parent.mkdir(parents=True)
    key.write_bytes(gate.private_key.read_bytes())
    key.chmod(0o600)
    bastions = {
        "inner": {"address": "127.0.0.1", **_reached(gate), "bastion": "outer"},
        "outer": {"address": "localhost", **_reached(gate), "private_key_file": "keys/gate"},
    }
    project = _compiled(tmp_path, machine, {"bastions": bastions}, bastion="inner")
    before = machine.logins(), gate.logins()

    done = _ansible(project, control_paths, "web-1", "-m", "ansible.builtin.ping")

    assert done.returncode == 0, done.stdout + done.stderr
    assert (machine.logins() - before[0], gate.logins() - before[1]) == (1, 2)


@pytest.mark.parametrize("wrong", ["inner", "outer"])
def test_a_bastion_with_another_key_is_refused(
    tmp_path: Path, control_paths: Path, machine: SshServer, gate: SshServer, wrong: str
) -> None:
    bastions: dict[str, dict[str, Any]] = {
        "inner": {"address": "127.0.0.1", **_reached(gate), "bastion": "outer"},
        "outer": {"address": "127.0.0.1", **_reached(gate)},
    }
    bastions[wrong]["host_keys"] = [make_key(tmp_path / "other")]
    project = _compiled(tmp_path, machine, {"bastions": bastions}, bastion="inner")
    before = machine.logins()

    done = _ansible(project, control_paths, "web-1", "-m", "ansible.builtin.ping")
    # Where connections are shared, ssh keeps what ProxyCommand has to say to itself.
    told = _ansible(
        project, control_paths, "web-1", "-m", "ansible.builtin.ping", ANSIBLE_SSH_ARGS="-o ControlMaster=no"
    )

    assert "UNREACHABLE" in done.stdout
    assert f"Host key for bastion.{wrong} has changed" in told.stdout
    assert machine.logins() == before


def test_a_run_of_the_toolkit_works_on_a_machine(tmp_path: Path, control_paths: Path, machine: SshServer) -> None:
    written = tmp_path / "written"
    tasks = [{"name": "Write", "ansible.builtin.copy": {"content": "{{ nexus_machine }}", "dest": str(written)}}]
    environment = {
        "runner": "ssh",
        "ssh": {"python": sys.executable},
        "machines": {"web-1": {"address": "127.0.0.1", "ssh": _reached(machine)}},
    }
    changes = {"orchestration": {"orchestration": {"environments": {"lab": environment}}}}
    project = make_project(tmp_path / "project", {"first": tasks}, changes)
    steps = project / "roles" / "chores" / "meta" / "steps.yml"
    steps.write_text("first: {plays: [{hosts: machines}]}\n", encoding="utf-8")

    done = nexus(project, "run", "chores.daily", env={"ANSIBLE_SSH_CONTROL_PATH_DIR": str(control_paths)})

    assert done.returncode == 0, done.stdout + done.stderr
    assert written.read_text("utf-8") == "web-1"


def test_ansible_reads_the_directory_of_an_inventory_with_host_keys(
    tmp_path: Path, control_paths: Path, machine: SshServer
) -> None:
    environment = {"machine_groups": {"rack-1": {}}, "ssh": {"python": sys.executable}}
    project = _compiled(tmp_path, machine, environment)
    program = str(Path(sys.executable).with_name("ansible-inventory"))
    environ = {**os.environ, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}

    listed = subprocess.run(
        [program, "-i", "inventories/lab", "--list"],
        cwd=project,
        env=environ,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    )

    assert (project / "inventories/lab/known_hosts.txt").exists()
    inventory = json.loads(listed.stdout)
    hosts = inventory["_meta"]["hostvars"]
    assert set(hosts) == {"api-1", "localhost", "web-1"}
    way = {"ansible_connection", "ansible_control_path", "ansible_host", "ansible_port", "ansible_ssh_common_args"}
    assert {key: hosts["api-1"][key] for key in way} == {key: hosts["web-1"][key] for key in way}
    assert hosts["api-1"]["nexus_address"] == "192.0.2.1"
