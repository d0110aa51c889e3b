# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind the module `nexus.automation.stored_copy`, which documents it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.hashing import secure_hash

from ansible_collections.nexus.automation.plugins.plugin_utils.run_command.cloud import CloudError
from ansible_collections.nexus.automation.plugins.plugin_utils.run_command.clouds import STORES, open_store

ARGUMENT_SPEC: dict[str, Any] = {
    "src": {"type": "path", "required": True},
    "dest": {"type": "str", "required": True},
    "mode": {"type": "str", "default": "0600"},
    "directory_mode": {"type": "str", "default": "0755"},
    "store": {
        "type": "dict",
        "required": True,
        "options": {
            "cloud": {"type": "str", "required": True, "choices": sorted(STORES)},
            "bucket": {"type": "str"},
            "region": {"type": "str"},
            "profile": {"type": "str"},
            "account_url": {"type": "str"},
            "container": {"type": "str"},
            "prefix": {"type": "str", "default": "nexus-run-command/"},
        },
        "required_if": [("cloud", "aws", ("bucket",)), ("cloud", "azure", ("account_url", "container"))],
    },
}
URL_VALID_S = 900
TRANSFER_TIMEOUT_S = 60
"""Seconds in which the store must go on sending."""
UNSEEN = {"ansible_no_target_syslog": True}
"""Variables of a module whose arguments its host must not log."""


class ActionModule(ActionBase):
    """Puts a file in a store, once for all hosts, and has the host fetch it."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action. Raises AnsibleActionFail."""
        super().run(tmp, task_vars)
        _, options = self.validate_argument_spec(argument_spec=ARGUMENT_SPEC)
        source, variables = Path(options["src"]), task_vars or {}
        path = options["dest"]
        if path.endswith("/"):
            path = posixpath.join(path, source.name)
        found = self._execute_remote_stat(path, all_vars=variables, follow=False, checksum=True)
        is_same = source.is_file() and found.get("checksum") == secure_hash(str(source))
        changed = not is_same or int(found["mode"], 8) != int(options["mode"], 8)
        if changed and not self._task.check_mode:
            if is_same:
                self._execute("ansible.builtin.file", {"path": path, "mode": options["mode"]}, variables)
            else:
                self._bring(source, path, options, variables)
        return {"changed": changed, "dest": path}

    def _bring(self, source: Path, path: str, options: Mapping[str, Any], variables: dict[str, Any]) -> None:
        """Have the host fetch the file from the store."""
        if not source.is_file():
            raise AnsibleActionFail(f"{source} is no file of the control node. See that it was built, and its path.")
        directory = posixpath.dirname(path)
        if not self._execute_remote_stat(directory, all_vars=variables, follow=True, checksum=False)["exists"]:
            made = {"path": directory, "state": "directory", "mode": options["directory_mode"]}
            self._execute("ansible.builtin.file", made, variables)
        with source.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        fetched = {"dest": path, "checksum": f"sha256:{digest}", "mode": options["mode"], "timeout": TRANSFER_TIMEOUT_S}
        url = _stored(source, digest, options["store"])
        self._execute("ansible.builtin.get_url", {"url": url, **fetched}, variables | UNSEEN, url)

    def _execute(self, module: str, arguments: dict[str, Any], variables: dict[str, Any], hidden: str = "") -> None:
        """Run a module on the host; a failure is told without what is hidden in it."""
        told = self._execute_module(module_name=module, module_args=arguments, task_vars=variables)
        if told.get("failed"):
            message = str(told.get("msg", "")).replace(hidden, "the store") if hidden else told.get("msg", "")
            raise AnsibleActionFail(f"{arguments.get('dest', arguments.get('path'))}: {message}")


def _stored(source: Path, digest: str, settings: Mapping[str, Any]) -> str:
    """An address of the file in the store, after it was put there if it was not. Raises AnsibleActionFail."""
    name = f"artefacts/{digest}/{source.name}"
    try:
        store = open_store(settings["cloud"], settings)
        with _one_at_a_time(digest):
            if not store.has(name):
                with source.open("rb") as stream:
                    store.put(name, stream)
        return store.download_url(name, URL_VALID_S)
    except CloudError as error:
        raise AnsibleActionFail(str(error)) from error


@contextlib.contextmanager
def _one_at_a_time(name: str) -> Iterator[None]:
    """Only one of the run's processes is in the block; all share this directory, which ends with the run."""
    with Path(constants.DEFAULT_LOCAL_TMP, f"{name}.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
