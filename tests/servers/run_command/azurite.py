# SPDX-License-Identifier: Apache-2.0
"""Blob storage: Microsoft's emulator azurite, from npm, installed once."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.servers.debian import CACHE, locked, require
from tests.servers.ports import free_port
from tests.servers.process import accepts, running
from tests.servers.tls import CertificateAuthority

VERSION = "3.37.0"  # the first that knows the signatures of azure-storage-blob 12.31
INSTALL_LIMIT_S = 600
ACCOUNT = "devstoreaccount1"


@contextlib.contextmanager
def start_azurite(directory: Path, authority: CertificateAuthority) -> Iterator[str]:
    """Run it until the block ends, with TLS and tokens, its blobs in `directory`; yield the account's address."""
    port = free_port()
    argv = [str(_program()), "--silent", "--location", str(directory), "--disableTelemetry"]
    argv += ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--oauth", "basic", "--skipApiVersionCheck"]
    argv += ["--cert", str(authority.certificate), "--key", str(authority.key)]
    with running(argv, lambda: accepts(port), directory / "azurite.log"):
        yield f"https://127.0.0.1:{port}/{ACCOUNT}"


def _program() -> Path:
    require(node="nodejs", npm="npm")
    home = CACHE / f"azurite-{VERSION}"
    program = home / "node_modules" / ".bin" / "azurite-blob"
    with locked(CACHE / "azurite.lock"):
        if not program.exists():
            home.mkdir(parents=True, exist_ok=True)
            argv = ["npm", "install", "--prefix", str(home), "--no-fund", "--no-audit", f"azurite@{VERSION}"]
            done = subprocess.run(
                argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=INSTALL_LIMIT_S, check=False
            )
            if done.returncode != 0:
                raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stderr}")
    return program
