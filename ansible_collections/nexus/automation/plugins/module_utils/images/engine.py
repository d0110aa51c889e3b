# SPDX-License-Identifier: Apache-2.0
"""A Docker engine, or one that understands its calls (Docker Engine API, 1.41)."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import AdapterError, UnreachableError
from .config import Description, describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .names import ImageName

CONTAINERD_STORE = "io.containerd.snapshotter.v1"
PODMAN = "Podman Engine"
LOGIN = "Check the name, and log in to its registry if it asks for that."


@dataclass(frozen=True)
class Engine:
    """An engine that answers at `host`; `client` is a docker.APIClient."""

    client: Any
    host: str

    def find(self, name: str) -> Description | None:
        """Return what the engine tells of the image with that name or id, or None when it has none."""
        import docker

        with self._explained(f"cannot tell of {name}"):
            try:
                return describe(self.client.inspect_image(name))
            except docker.errors.NotFound:
                return None

    def pull(self, name: str) -> None:
        """Fetch an image from its registry."""
        with self._explained(f"cannot pull {name}", LOGIN):
            _read_answer(self.client.pull(name, stream=True, decode=True))

    def load(self, archive: Iterable[bytes]) -> None:
        """Take over the image in `archive`, which may be what `partial_archive` makes where `keeps_layers` says so."""
        with self._explained("cannot load the image"):
            # An engine that tells its progress is not taken for silent.
            _read_answer(self.client.load_image(archive, quiet=False))

    def save(self, name: str) -> Iterator[bytes]:
        """Yield an archive of the image with that name or id."""
        with self._explained(f"cannot write out {name}"):
            yield from self.client.get_image(name)

    def tag(self, image_id: str, name: ImageName) -> None:
        """Give an image the engine has a name."""
        with self._explained(f"cannot name {image_id} {name}"):
            self.client.tag(image_id, name.repository, name.tag, force=True)

    def untag(self, name: ImageName) -> None:
        """Take the name from an image, and remove the image when that was its last."""
        with self._explained(f"cannot remove {name}", "Remove the containers made of it first."):
            self.client.remove_image(str(name))

    def push(self, name: ImageName, credentials: Mapping[str, str] | None) -> str | None:
        """Bring the image to the registry its name tells; return the digest it has there, if the engine says it."""
        with self._explained(f"cannot push {name}", LOGIN):
            answer = self.client.push(name.repository, name.tag, stream=True, decode=True, auth_config=credentials)
            said = [line["aux"]["Digest"] for line in _read_answer(answer) if "Digest" in line.get("aux", ())]
            return said[-1] if said else self.registry_digest(name, credentials)

    def registry_digest(self, name: ImageName, credentials: Mapping[str, str] | None) -> str | None:
        """Return the digest that the registry has under the name; None when it has none or the engine cannot tell."""
        import docker

        with self._explained(f"cannot ask for {name} in its registry"):
            try:
                answer = self.client.inspect_distribution(str(name), credentials)
            except docker.errors.APIError:
                return None
            return str(answer["Descriptor"]["digest"])

    def keeps_layers(self) -> bool:
        """Say whether the engine looks for the layers of an archive among its own."""
        with self._explained("cannot tell how it keeps images"):
            return is_docker_with_own_storage(self.client.version(), self.client.info())

    @contextlib.contextmanager
    def _explained(self, what: str, advice: str = "") -> Iterator[None]:
        import docker
        import requests

        try:
            yield
        except docker.errors.APIError as error:
            raise AdapterError(_failure(self.host, what, error.explanation or error, advice)) from error
        except (docker.errors.DockerException, requests.RequestException) as error:
            raise UnreachableError(describe_silence(self.host, error)) from error
        except AdapterError as error:
            raise AdapterError(_failure(self.host, what, error, advice)) from error


def is_docker_with_own_storage(version: Mapping[str, Any], information: Mapping[str, Any]) -> bool:
    """Say whether an engine that tells this of itself (`SystemVersion`, `SystemInfo`) keeps layers in its own storage.

    Docker may keep them in containerd's instead, and Podman is another program: both want whole archives (for Podman:
    github.com/containers/podman, issue 8132).
    """
    names = [component.get("Name") for component in version.get("Components") or ()]
    status = information.get("DriverStatus") or ()
    return PODMAN not in names and all(CONTAINERD_STORE not in pair for pair in status)


def _read_answer(answer: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    # The status is sent before the work is done: what goes wrong afterwards is told in the answer's lines.
    lines = list(answer)
    errors = [str(line["error"]) for line in lines if "error" in line]
    if errors:
        raise AdapterError(errors[-1])
    return lines


def _failure(host: str, what: str, why: object, advice: str) -> str:
    return f"The engine at {host} {what}: {str(why).rstrip('.')}. {advice}".rstrip()


def describe_silence(host: str, error: Exception) -> str:
    """Return what to say of an engine that does not answer."""
    return (
        f"No Docker engine answers at {host}: {error}. Start it, give `docker_host`, "
        "and let the user who runs the task reach its socket."
    )
