# SPDX-License-Identifier: Apache-2.0
"""Container images made from Debian's packages alone: nothing is pulled from a registry."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass

from tests.servers.debian import locked
from tests.servers.docker import CACHE, LIMIT_S, Engine

BUILD_LIMIT_S = 900
DROPPED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")


@dataclass(frozen=True)
class Image:
    """A Debian 12 with these packages, in which `commands` were run: shell, with the image's directory as `$1`."""

    name: str
    packages: tuple[str, ...]
    commands: tuple[str, ...] = ()

    @property
    def tag(self) -> str:
        """Its name in the engine; other packages make another image."""
        digest = hashlib.sha256(" ".join((*self.packages, *self.commands, *DROPPED)).encode()).hexdigest()
        return f"nexus-ansible-test/{self.name}:{digest[:12]}"


_SYSTEMD = ("systemd", "systemd-sysv", "dbus", "dbus-user-session", "libpam-systemd", "python3", "iproute2", "procps")
SYSTEMD = Image("systemd", _SYSTEMD)
PYTHON = Image("python", ("python3",))
PLATFORM = Image("platform", ("python3", "python3-psycopg", "postgresql", "redis-server", "nginx-light"))
SSH_MACHINE = Image("ssh-machine", (*_SYSTEMD, "openssh-server", "sudo", "ca-certificates"))
RUN_COMMAND_MACHINE = Image("run-command-machine", ("ca-certificates", "curl", "procps", "python3", "sudo"))
# What the official images of PostgreSQL and Redis have as well: an account of this number, which initdb looks up.
_ACCOUNT = 'chroot "$1" useradd --system --uid 999 --no-create-home server'
CLUSTER = Image("cluster", ("python3", "postgresql", "redis-server", "nginx-light"), (_ACCOUNT,))


def provide(engine: Engine, image: Image) -> str:
    """Return the tag of the image in the engine, built by the first who asks and cached for all later sessions."""
    with locked(CACHE / f"{image.name}.lock"):
        if engine.attempt("image", "inspect", image.tag).returncode != 0:
            tarball = CACHE / f"{image.tag.replace('/', '-').replace(':', '-')}.tar"
            if not tarball.exists():
                unfinished = tarball.with_suffix(".unfinished.tar")
                _build(image, str(unfinished))
                unfinished.rename(tarball)
            engine.docker("import", str(tarball), image.tag, limit_s=BUILD_LIMIT_S)
    return image.tag


def _build(image: Image, tarball: str) -> None:
    options = [f"--dpkgopt=path-exclude={pattern}" for pattern in DROPPED]
    options += [f"--customize-hook={command}" for command in image.commands]
    argv = ["mmdebstrap", "--quiet", "--variant=minbase", *options, f"--include={','.join(image.packages)}"]
    done = subprocess.run(
        [*argv, "bookworm", tarball],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BUILD_LIMIT_S,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stderr[-LIMIT_S * 20 :]}")
