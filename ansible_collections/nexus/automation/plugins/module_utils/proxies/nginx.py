# SPDX-License-Identifier: Apache-2.0
"""Pools of nginx: `upstream` blocks that include the servers whose gates are open.

nginx reads addresses only with its configuration. So each change is written there and loaded, which is graceful: old
workers finish what they have. One change at a time is made, and each waits until new workers serve it.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import AdapterError
from ..files import locked, read_text, write_text
from ..tcp_connections import count_connections
from .admin_api import AdminApi
from .gates import close_gate, open_gate
from .nginx_layout import NginxLayout, read_layout
from .nginx_process import running_nginx
from .nginx_servers import FILE_MODE, is_loaded, mark_loaded, outdated_servers, write_servers

if TYPE_CHECKING:
    from collections.abc import Mapping

TEST_LIMIT_S = 30


class NginxProxy:
    """One nginx on this host; `admin` is `host:port` or `unix/<path>`, where it serves its layout."""

    def __init__(self, admin: str) -> None:
        self._api = AdminApi("nginx", admin)

    def upstreams(self, pool: str) -> dict[str, str]:
        """Return what each of the pool's gates holds, by its name: an address, or nothing when it is closed."""
        return read_layout(self._api).addresses(pool)

    def admit(self, pool: str, upstream: str, address: str) -> None:
        """Have nginx hand requests to the upstream, and open the gate.

        In this order, because an open gate tells everybody that it is done.
        """
        layout = read_layout(self._api)
        gates = layout.gates_of(pool)
        if upstream not in gates:
            known = ", ".join(gates) or "none"
            raise AdapterError(
                f'pool {pool} of nginx at {self._api.address} has no gate "{upstream}"; there are: {known}. '
                "Load a configuration and a layout into nginx that have room for it."
            )
        with locked(layout.servers):
            _serve(layout, pool, {**layout.addresses(pool), upstream: address})
            open_gate(gates[upstream], address)

    def withdraw(self, pool: str, upstream: str) -> None:
        """Close the gate, and have nginx hand no more requests to the upstream; one without a gate gets none anyway."""
        layout = read_layout(self._api)
        gates = layout.gates_of(pool)
        if upstream not in gates:
            return
        with locked(layout.servers):
            before = layout.addresses(pool)[upstream]
            close_gate(gates[upstream])
            try:
                _serve(layout, pool, layout.addresses(pool))
            except AdapterError:
                if before:
                    open_gate(gates[upstream], before)
                raise

    def requests_in_flight(self, address: str) -> int:
        """Return how many connections to the upstream the workers have that were there before the last change.

        Such a worker keeps no connection without a request, so each is one that the upstream works on. Of the other
        workers' connections it cannot be told.
        """
        if not address:
            return 0
        process = running_nginx(read_layout(self._api).pid_file)
        return count_connections(process.leaving_workers(), address)


def _serve(layout: NginxLayout, pool: str, addresses: Mapping[str, str]) -> None:
    """Have nginx hand the pool's requests to `addresses`; when it refuses that, the file is what it was."""
    changes = outdated_servers(layout.servers, {pool: addresses})
    if not changes and is_loaded(layout.servers):
        return
    process = running_nginx(layout.pid_file)
    for path, text in changes.items():
        _replace(layout, path, text)
    process.load_configuration()
    mark_loaded(layout.servers)


def _replace(layout: NginxLayout, path: Path, text: str) -> None:
    before, loaded = read_text(path), is_loaded(layout.servers)
    write_servers(path, text)
    try:
        _test(layout)
    except AdapterError:
        if before is None:
            path.unlink()
        else:
            write_text(path, before, FILE_MODE)
        if loaded:
            mark_loaded(layout.servers)
        raise


def _test(layout: NginxLayout) -> None:
    argv = [layout.program, "-t", "-q", "-e", "stderr", "-c", str(layout.configuration)]
    try:
        subprocess.run(argv, capture_output=True, text=True, timeout=TEST_LIMIT_S, check=True)
    except subprocess.CalledProcessError as error:
        raise AdapterError(f"nginx refuses {layout.configuration}: {error.stderr.strip()}") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise AdapterError(f"nginx does not test {layout.configuration}: {error}. Reinstall {argv[0]}.") from error
