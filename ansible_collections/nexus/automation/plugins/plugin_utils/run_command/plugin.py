# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the connection plugins of all clouds have in common."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleFileNotFound
from ansible.module_utils.common.text.converters import to_bytes
from ansible.plugins.connection import ConnectionBase

from .cloud import CloudError, MissingFileError
from .clouds import open_cloud
from .session import Limits, Session
from .watch import Watch


class RunCommandConnection(ConnectionBase):
    """A connection over which commands go one by one; `cloud` names the cloud, and `_settings` what it needs."""

    cloud = ""
    has_pipelining = True
    default_user = "root"

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._session: Session | None = None

    def _settings(self) -> Mapping[str, Any]:
        raise NotImplementedError

    def _connect(self) -> RunCommandConnection:
        self._play_context.remote_user = self.default_user
        if self._session is None:
            host = str(self._play_context.remote_addr)
            with _as_ansible_error(self._host):
                settings = self._settings()
                cloud = open_cloud(self.cloud, settings)
            limits = Limits(self.get_option("delivery_timeout"), self.get_option("execution_timeout"))
            self._session = Session(host, cloud, limits, Watch(self.cloud, settings), self._display.warning)
            self._connected = True
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run a command of the machine's shell."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        self._display.vvv(f"EXEC {cmd}", host=self._host)
        with _as_ansible_error(self._host):
            return self._opened.execute(to_bytes(cmd), in_data or b"")

    def put_file(self, in_path: str, out_path: str) -> None:
        """Write a file of the control node to the machine."""
        super().put_file(in_path, out_path)
        self._display.vvv(f"PUT {in_path} TO {out_path}", host=self._host)
        if not Path(in_path).is_file():
            raise AnsibleFileNotFound(f"{in_path} is no file of the control node, so {self._host} cannot have it.")
        with _as_ansible_error(self._host), Path(in_path).open("rb") as source:
            self._opened.put(source, out_path)

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Write a file of the machine to the control node."""
        super().fetch_file(in_path, out_path)
        self._display.vvv(f"FETCH {in_path} TO {out_path}", host=self._host)
        with _as_ansible_error(self._host, in_path), Path(out_path).open("wb") as target:
            self._opened.fetch(in_path, target)

    def reset(self) -> None:
        """There is nothing to reset: no command knows of the one before."""

    def close(self) -> None:
        """Let go of what watches over the commands."""
        if self._session is not None:
            self._session.watch.close()
            self._session = None
        self._connected = False

    @property
    def _host(self) -> str:
        return str(self._play_context.remote_addr)

    @property
    def _opened(self) -> Session:
        self._connect()
        assert self._session is not None
        return self._session


@contextlib.contextmanager
def _as_ansible_error(host: str, path: str = "") -> Iterator[None]:
    try:
        yield
    except MissingFileError as error:
        raise AnsibleFileNotFound(f"{host} has no file {path}. See that the path is that of a file there.") from error
    except CloudError as error:
        raise AnsibleConnectionFailure(f"{host}: {error}") from error
