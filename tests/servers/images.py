# SPDX-License-Identifier: Apache-2.0
"""Container images made from Debian's packages alone: nothing is pulled from a registry."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass

from tests.servers.docker import CACHE, LIMIT_S, Engine, locked

BUILD_LIMIT_S = 900
DROPPED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")


@dataclass(frozen=True)
class Image:
    """A Debian 12 with these packages."""

    name: str
    packages: tuple[str, ...]

    @property
    def tag(self) -> str:
        """Its name in the engine; other packages make another image."""
        digest = hashlib.sha256(" ".join((*self.packages, *DROPPED)).encode()).hexdigest()
        return f"nexus-ansible-test/{self.name}:{digest[:12]}"


SYSTEMD = Image(
    "systemd",
    ("systemd", "systemd-sysv", "dbus", "dbus-user-session", "libpam-systemd", "python3", "iproute2", "procps"),
)


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
