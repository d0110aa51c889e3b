# SPDX-License-Identifier: Apache-2.0
"""The Python that packages are installed for, where it is another one than installs them."""

from __future__ import annotations

import json
import os
import platform
import re
import sysconfig
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import AdapterError

if TYPE_CHECKING:
    from collections.abc import Iterator

OLDEST_GLIBC = 5
ALIASES = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}
HASH = re.compile(r"\s--hash=")


@dataclass(frozen=True)
class PythonTarget:
    """A Python on Linux: full version, platform as sysconfig tells it (`linux-x86_64`), version of the glibc (2.36)."""

    version: str
    platform: str
    glibc: str

    @property
    def machine(self) -> str:
        """The processor, as in the tags of wheels: `x86_64`, `aarch64`."""
        return self.platform.partition("-")[2].replace("-", "_")

    def serves(self, other: PythonTarget) -> bool:
        """Whether what is installed for this one runs on the other as well: an older glibc does."""
        return (self.version, self.platform) == (other.version, other.platform) and _minor(self) <= _minor(other)

    def pip_options(self) -> list[str]:
        """What pip takes so that it chooses wheels of this Python (`pip install --help`, "Only use wheels …")."""
        tags = [f"manylinux_2_{minor}" for minor in range(_minor(self), OLDEST_GLIBC - 1, -1)]
        tags += [alias for minor, alias in ALIASES.items() if minor <= _minor(self)]
        platforms = [f"--platform={tag}_{self.machine}" for tag in (*tags, "linux")]
        return [f"--python-version={self.version}", "--implementation=cp", *platforms]

    def chosen(self, lock: str) -> str:
        """The pins of a lock that are for this Python, without the conditions that said so (PEP 508).

        pip would judge those by the Python that it runs in. Raises AdapterError for a line that is no pin.
        """
        return "".join(f"{pin}\n" for line in _logical_lines(lock) if (pin := self._pin(line)) is not None)

    def _pin(self, line: str) -> str | None:
        try:
            from packaging.requirements import InvalidRequirement, Requirement
        except ImportError as error:
            from ansible.module_utils.basic import missing_required_lib

            raise AdapterError(missing_required_lib("packaging", url="https://packaging.pypa.io/")) from error
        first_hash = HASH.search(line)
        text, hashes = (line, "") if first_hash is None else (line[: first_hash.start()], line[first_hash.start() :])
        try:
            requirement = Requirement(text.strip())
        except InvalidRequirement as error:
            raise AdapterError(f"{text.strip()!r} is no pinned requirement: {error}. Write the lock anew.") from error
        if requirement.marker is not None and not requirement.marker.evaluate(self._environment()):
            return None
        return f"{requirement.name}{requirement.specifier}{hashes}"

    def _environment(self) -> dict[str, str]:
        return {
            "implementation_name": "cpython",
            "implementation_version": self.version,
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": self.version,
            "python_version": ".".join(self.version.split(".")[:2]),
            "sys_platform": "linux",
        }


def this_python() -> PythonTarget:
    """The Python that runs this."""
    return PythonTarget(platform.python_version(), sysconfig.get_platform(), _glibc())


def parse_target(text: str) -> PythonTarget:
    """A target from the JSON that `QUERY` prints."""
    return PythonTarget(*json.loads(text))


QUERY = (
    "import json, os, platform, sysconfig; "
    "print(json.dumps([platform.python_version(), sysconfig.get_platform(), "
    "os.confstr('CS_GNU_LIBC_VERSION').split()[1]]))"
)


def _glibc() -> str:
    return (os.confstr("CS_GNU_LIBC_VERSION") or "glibc 2.0").split()[1]


def _minor(target: PythonTarget) -> int:
    return int(target.glibc.split(".")[1])


def _logical_lines(lock: str) -> Iterator[str]:
    for line in re.sub(r"\\\n", " ", lock).splitlines():
        text = re.sub(r"(^|\s)#.*", "", line).strip()
        if text and not text.startswith("-"):
            yield text
