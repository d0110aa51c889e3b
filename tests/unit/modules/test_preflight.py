# SPDX-License-Identifier: Apache-2.0
"""Preflight checks against real ports, directories and programs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.preflight.directories import (
    DirectoryNeed,
    check_directories,
)
from ansible_collections.nexus.automation.plugins.module_utils.preflight.listeners import find_listeners
from ansible_collections.nexus.automation.plugins.module_utils.preflight.ports import PortNeed, check_ports
from ansible_collections.nexus.automation.plugins.module_utils.preflight.programs import ProgramNeed, check_programs
from tests.servers.ports import free_port
from tests.servers.postgresql import unprivileged
from tests.servers.process import accepts, running

HOLD = "import signal, socket, sys; s = socket.create_server((sys.argv[1], int(sys.argv[2]))); signal.pause()"

ASK_ABOUT_A_PORT = """
import os, sys
from ansible_collections.nexus.automation.plugins.module_utils.preflight.ports import PortNeed, check_ports
print(check_ports([PortNeed("127.0.0.1", int(sys.argv[1]), "database-1", [int(sys.argv[2]) or os.getpid()])]))
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """A port and the process that holds it, itself the child of the one that was started."""
    port = free_port()
    argv = ["sh", "-c", f'{sys.executable} -c "{HOLD}" 127.0.0.1 {port}; true']
    with running(argv, lambda: accepts(port), tmp_path / "holder.log") as process:
        yield port, process.pid
        for pid in find_listeners(port):
            os.kill(pid, 15)


def test_a_free_port_is_no_problem_and_stays_free() -> None:
    port = free_port()
    assert check_ports([PortNeed("127.0.0.1", port, "backend-1")]) == []
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_a_held_port_names_the_process_and_who_needs_it(holder: tuple[int, int]) -> None:
    port, _ = holder
    [pid] = find_listeners(port)
    name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    [problem] = check_ports([PortNeed("127.0.0.1", port, "backend-1")])
    assert problem == (
        f"port {port} of 127.0.0.1 is held by process {pid} ({name}); backend-1 needs it. "
        "End that process or choose another port."
    )


def test_a_port_held_by_an_owner_or_its_child_is_no_problem(holder: tuple[int, int]) -> None:
    port, parent = holder
    [pid] = find_listeners(port)
    assert pid != parent
    for owner in (pid, parent):
        assert check_ports([PortNeed("127.0.0.1", port, "backend-1", [owner])]) == []
    assert check_ports([PortNeed("127.0.0.1", port, "backend-1", [os.getpid() + 4_000_000])]) != []


def test_a_port_of_an_owner_that_hides_its_sockets_is_no_problem(tmp_path: Path) -> None:
    """Most containers keep CAP_SYS_PTRACE from root, which cannot see another user's sockets then."""
    port = free_port()
    listening = [*unprivileged(), sys.executable, "-c", HOLD, "127.0.0.1", str(port)]
    asking = ["setpriv", "--bounding-set=-sys_ptrace"] if os.geteuid() == 0 else []
    with running(listening, lambda: accepts(port), tmp_path / "holder.log") as process:
        for owner, told in ((process.pid, "[]"), (0, "a process that cannot be seen from here")):
            argv = [*asking, sys.executable, "-c", ASK_ABOUT_A_PORT, str(port), str(owner)]
            done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
            assert told in done.stdout or not asking


def test_a_port_held_at_all_addresses_is_held_at_each(tmp_path: Path) -> None:
    port = free_port()
    argv = [sys.executable, "-c", HOLD, "0.0.0.0", str(port)]
    with running(argv, lambda: accepts(port), tmp_path / "log") as process:
        [problem] = check_ports([PortNeed("127.0.0.1", port, "backend-1")])
    assert f"held by process {process.pid} " in problem


def test_a_port_needed_twice_names_both() -> None:
    port = free_port()
    needs = [PortNeed("127.0.0.1", port, name) for name in ("backend-1", "frontend-1")]
    assert check_ports(needs) == [
        f"port {port} of 127.0.0.1 is needed by backend-1 and frontend-1. Give one of them another port."
    ]


def test_an_address_of_another_host_is_a_problem() -> None:
    [problem] = check_ports([PortNeed("192.0.2.1", 8001, "backend-1")])
    assert problem.startswith("port 8001 of 192.0.2.1: this host has no such address; backend-1 needs it.")


def test_a_port_that_was_just_closed_is_free() -> None:
    port = free_port()
    with (
        socket.create_server(("127.0.0.1", port)) as server,
        socket.create_connection(("127.0.0.1", port)) as client,
    ):
        connection, _ = server.accept()
        connection.close()
        assert client.recv(1) == b""
    assert check_ports([PortNeed("127.0.0.1", port, "backend-1")]) == []


def test_directories_that_are_there_or_can_be_made_are_no_problem(tmp_path: Path) -> None:
    needs = [DirectoryNeed(path, "database", 1, 1) for path in (tmp_path, tmp_path / "a" / "b" / "c")]
    assert check_directories(needs) == []
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("", encoding="utf-8")
    [problem] = check_directories([DirectoryNeed(tmp_path / "data" / "pg", "database")])
    assert problem == (
        f"directory {tmp_path}/data/pg: {tmp_path}/data is no directory; database needs it. "
        "Remove it or choose another directory."
    )


def test_a_dangling_link_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to("nowhere")
    [problem] = check_directories([DirectoryNeed(tmp_path / "data" / "pg", "database")])
    assert f"{tmp_path}/data is no directory" in problem


def test_room_is_added_up_for_what_shares_a_file_system(tmp_path: Path) -> None:
    system = os.statvfs(tmp_path)
    each = int(system.f_bavail * system.f_frsize * 0.7)
    database, cache = DirectoryNeed(tmp_path / "pg", "database", each), DirectoryNeed(tmp_path / "redis", "cache", each)
    assert check_directories([database]) == []
    [problem] = check_directories([database, cache])
    assert problem.startswith(f"the file system of {tmp_path}/pg, {tmp_path}/redis has ")
    assert " free, database, cache needs " in problem


def test_missing_inodes_are_told(tmp_path: Path) -> None:
    [problem] = check_directories([DirectoryNeed(tmp_path, "database", 0, 10**15)])
    assert problem.endswith(" more files, database needs 1000000000000000. Remove files.")


UNWRITABLE = """
import sys
from pathlib import Path
from ansible_collections.nexus.automation.plugins.module_utils.preflight.directories import *
print(*check_directories([DirectoryNeed(Path(path), "database") for path in sys.argv[1:]]), sep="\\n")
"""


def test_directories_that_cannot_be_written_to_are_told(tmp_path: Path) -> None:
    """Root may write anywhere, so this is asked as another user where the tests run as root."""
    argv = [word.replace("dac_override", "dac_read_search") for word in unprivileged()]  # Python may be below /root
    done = subprocess.run(
        [*argv, sys.executable, "-c", UNWRITABLE, "/proc/sys", "/proc/sys/new"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    present, absent = done.stdout.splitlines()
    assert present == (
        "directory /proc/sys cannot be written to; database needs it. Change its owner or mode, or its file system's."
    )
    assert absent == (
        "directory /proc/sys/new cannot be made in /proc/sys; database needs it. "
        "Make it, or let /proc/sys be written to."
    )


def test_programs_are_looked_up_in_path_and_by_path(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("", encoding="utf-8")
    plain.chmod(0o644)
    needs = [
        ProgramNeed("sh", "a"),
        ProgramNeed("/bin/sh", "a"),
        ProgramNeed("no-such-program", "b", "Install the package none."),
        ProgramNeed(f"{tmp_path}/none", "c"),
        ProgramNeed(str(plain), "d"),
    ]
    assert check_programs(needs) == [
        "program no-such-program is not in PATH; b needs it. Install the package none.",
        f"program {tmp_path}/none does not exist; c needs it. Install it.",
        f"program {plain} is not executable; d needs it. Change its mode.",
    ]
