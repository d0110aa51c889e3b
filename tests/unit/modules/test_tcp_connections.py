# SPDX-License-Identifier: Apache-2.0
"""Connections of this very process, counted as Linux tells of them."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.errors import AdapterError
from ansible_collections.nexus.automation.plugins.module_utils.tcp_connections import count_connections
from tests.servers.postgresql import NOBODY
from tests.servers.process import running

COUNT_OF_AN_ENDED_CHILD = """
import os
import sys
from ansible_collections.nexus.automation.plugins.module_utils import tcp_connections

count_connections, memory = tcp_connections.count_connections, tcp_connections.resident_bytes
seen_before_it_ended = iter([4096] * int(sys.argv[2]))
tcp_connections.resident_bytes = lambda pid: next(seen_before_it_ended, 0) or memory(pid)
count_connections([os.getpid()], "127.0.0.1:1")  # loads what is out of reach later
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(int(sys.argv[1]))
    os.setuid(int(sys.argv[1]))
child = os.fork()
if child == 0:
    os._exit(0)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
try:
    os.listdir(f"/proc/{child}/fd")
except PermissionError:
    print("not to be seen,", count_connections([child], "127.0.0.1:1"), "connections")
"""

COUNT = """
import sys
from ansible_collections.nexus.automation.plugins.module_utils.tcp_connections import count_connections

print(count_connections([int(sys.argv[1])], sys.argv[2]))
"""


def has_come(server: socket.socket) -> bool:
    """Whether somebody has connected."""
    return bool(select.select([server], [], [], 0)[0])


@pytest.mark.parametrize(("host", "address"), [("127.0.0.1", "127.0.0.1:{}"), ("::1", "[::1]:{}")])
def test_open_connections_to_the_address_are_counted(host: str, address: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        port = server.getsockname()[1]
        assert count_connections([os.getpid()], address.format(port)) == 0
        with socket.create_connection((host, port)), socket.create_connection((host, port)):
            assert count_connections([os.getpid()], address.format(port)) == 2
        assert count_connections([os.getpid()], address.format(port)) == 0


def test_a_process_that_is_gone_has_none() -> None:
    assert count_connections([2**22 + 1], "127.0.0.1:1") == 0


@pytest.mark.parametrize("looks", [0, 1], ids=["before", "between the looks"])
def test_a_process_that_ends_has_none(looks: int) -> None:
    """Its parent has not asked for its result, and its files belong to root, whoever ran it."""
    argv = [sys.executable, "-c", COUNT_OF_AN_ENDED_CHILD, str(NOBODY), str(looks)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("not to be seen, 0 connections\n", "")


def test_root_without_all_powers_sees_the_connections_of_other_users(tmp_path: Path) -> None:
    """As in most containers, and so on machines that are containers."""
    is_root = os.geteuid() == 0
    other = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if is_root else []
    without = ["setpriv", "--bounding-set=-sys_ptrace"] if is_root else []
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        connecting = [*other, "bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port} && exec sleep 1000"]
        with running(connecting, lambda: has_come(server), tmp_path / "log") as process:
            argv = [*without, sys.executable, "-c", COUNT, str(process.pid), f"127.0.0.1:{port}"]
            done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("1\n", "")


@pytest.mark.parametrize("address", ["", "127.0.0.1", "nowhere.invalid:80", "127.0.0.1:http"])
def test_what_is_no_address_is_named(address: str) -> None:
    with pytest.raises(AdapterError, match=r"is no address: .*Write host:port\."):
        count_connections([], address)
