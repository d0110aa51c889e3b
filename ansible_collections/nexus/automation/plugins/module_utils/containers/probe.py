# SPDX-License-Identifier: Apache-2.0
"""What an image has: its Python, and programs of servers; asked in a container that is removed again."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..artefacts.python_target import QUERY, parse_target
from ..errors import AdapterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .fleet import Fleet

LIMIT_S = 60
PROGRAMS = ("caddy", "nginx", "postgres", "redis-server")
SCRIPT = f"""
for name in {" ".join(PROGRAMS)}; do
  for path in "$(command -v $name)" /usr/lib/postgresql/*/bin/$name; do
    if [ -x "$path" ]; then echo "$name $path"; break; fi
  done
done
if path=$(command -v python3); then
  echo "python3 $path"
  echo "target $(python3 -c "{QUERY}")"
  if found=$(python3 -c "import psycopg; print(psycopg.__file__)" 2>/dev/null); then echo "psycopg $found"; fi
fi
"""


@dataclass(frozen=True)
class Contents:
    """An image: its id, paths of programs by name, and what its Python installs packages for."""

    id: str
    programs: Mapping[str, str]
    python: Mapping[str, str] | None


def probe(fleet: Fleet, image: str) -> Contents | None:
    """What an image has; None when the engine does not have it."""
    import docker

    with fleet.explained(f"cannot tell of the image {image}"):
        try:
            found: dict[str, Any] = fleet.client.inspect_image(image)
        except docker.errors.NotFound:
            return None
    lines = dict(line.split(" ", 1) for line in _ask(fleet, found["Id"]).splitlines() if " " in line)
    target = lines.pop("target", "")
    return Contents(found["Id"], lines, asdict(parse_target(target)) if target else None)


def _ask(fleet: Fleet, image: str) -> str:
    configuration = {
        "Image": image,
        "Entrypoint": ["sh", "-c", SCRIPT],
        "Cmd": [],
        "Labels": fleet.ground.labels,
        "HostConfig": {"NetworkMode": "none"},
    }
    with fleet.explained(f"cannot look into the image {image}", "It must have a shell."):
        container = fleet.client.create_container_from_config(configuration)["Id"]
        try:
            fleet.client.start(container)
            ended = fleet.client.wait(container, timeout=LIMIT_S)
            output: str = fleet.client.logs(container, stdout=True, stderr=False).decode()
        finally:
            fleet.client.remove_container(container, v=True, force=True)
    if ended["StatusCode"] not in (0, 1):
        raise AdapterError(f"A look into the image {image} ended with {ended['StatusCode']}. It must have a shell.")
    return output
