# SPDX-License-Identifier: Apache-2.0
"""A registry of container images, Debian's, which asks for a password."""

from __future__ import annotations

import contextlib
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from tests.servers.docker import Engine, container
from tests.servers.images import Image, provide
from tests.servers.ports import free_port
from tests.servers.waiting import wait_until

REGISTRY = Image("registry", ("docker-registry",))
USER, PASSWORD = "nexus", "correct horse"
# bcrypt, the only kind the registry knows
ENTRY = f"{USER}:$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2"
START = "printf '%s\\n' \"$ENTRY\" > /passwords && exec docker-registry serve /etc/docker/registry/config.yml"


@dataclass(frozen=True)
class Registry:
    """A registry that answers on this machine; `address` is how names of its images begin."""

    address: str

    @property
    def credentials(self) -> dict[str, str]:
        """Who may push and pull."""
        return {"username": USER, "password": PASSWORD}

    def answers(self) -> bool:
        """Say whether it is there, and asks who one is."""
        try:
            urllib.request.urlopen(f"http://{self.address}/v2/", timeout=5).close()
        except urllib.error.HTTPError as error:
            error.close()
            return error.code == 401
        except OSError:
            return False
        return False


@contextlib.contextmanager
def running_registry(engine: Engine) -> Iterator[Registry]:
    """Run an empty registry until the block ends."""
    image, port = provide(engine, REGISTRY), free_port()
    registry = Registry(f"127.0.0.1:{port}")
    settings = {"ENTRY": ENTRY, "REGISTRY_AUTH_HTPASSWD_PATH": "/passwords"}
    options = [word for name, value in settings.items() for word in ("--env", f"{name}={value}")]
    name = f"nexus-registry-{uuid.uuid4().hex[:12]}"
    with container(engine, name, "--publish", f"{registry.address}:5000", *options, image, "sh", "-c", START):
        wait_until(registry.answers, f"the registry at {registry.address} answers")
        yield registry
