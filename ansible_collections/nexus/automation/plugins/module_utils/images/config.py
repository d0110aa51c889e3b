# SPDX-License-Identifier: Apache-2.0
"""The configuration of an image (OCI image specification 1.1, "Image Configuration"), whose digest is the image's id.

It depends on the base's layers and those of its settings that are taken over, on the new layers and on the settings
given, and on nothing else: times are 0, and what an engine adds for itself is left out. `Healthcheck` and `Shell` are
Docker's extensions of the specification.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import AdapterError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .layers import Layer

CREATED = "1970-01-01T00:00:00Z"
AUTHOR = "nexus.automation.container_image"
TAKEN_OVER = (
    "Cmd",
    "Entrypoint",
    "Env",
    "ExposedPorts",
    "Healthcheck",
    "Labels",
    "Shell",
    "StopSignal",
    "User",
    "Volumes",
    "WorkingDir",
)
NS = 1_000_000_000
HEALTH_TIMES = {"interval": "Interval", "timeout": "Timeout", "start_period": "StartPeriod"}

RELEASE_LABEL = "nexus.release"
RELEASE_ID = re.compile(r"(?P<name>.+?)-(?P<version>[0-9].*)-(?P<key>[0-9a-f]{12})")


@dataclass(frozen=True)
class Description:
    """What an engine tells of an image; `settings` are those of TAKEN_OVER that it has."""

    id: str
    architecture: str
    variant: str
    system: str
    diff_ids: Sequence[str]
    settings: Mapping[str, Any]
    size: int = 0
    repository_digests: Sequence[str] = ()

    def is_same(self, other: Description) -> bool:
        """Say whether both have the same layers and settings for the same platform, whatever their ids."""
        return _comparable(self) == _comparable(other)


@dataclass(frozen=True)
class Settings:
    """What an image changes of its base; None leaves the base's setting as it is."""

    command: Sequence[str] | None = None
    entrypoint: Sequence[str] | None = None
    env: Mapping[str, Any] | None = None
    exposed_ports: Sequence[str] | None = None
    healthcheck: Mapping[str, Any] | None = None
    labels: Mapping[str, Any] | None = None
    stop_signal: str | None = None
    user: str | None = None
    working_dir: str | None = None


def describe(answer: Mapping[str, Any]) -> Description:
    """Return what the engine's answer to an inspection says (Docker Engine API, `ImageInspect`)."""
    settings = answer.get("Config") or {}
    return Description(
        answer["Id"],
        answer["Architecture"],
        answer.get("Variant") or "",
        answer["Os"],
        tuple((answer.get("RootFS") or {}).get("Layers") or ()),
        {key: settings[key] for key in TAKEN_OVER if settings.get(key)},
        answer.get("Size") or 0,
        tuple(answer.get("RepoDigests") or ()),
    )


def image_settings(base: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Return the settings of an image: those of its base, changed as a Dockerfile's instructions would.

    Raises AdapterError for settings that make no sense.
    """
    merged: dict[str, Any] = {
        **base,
        "Env": _environment(base.get("Env", ()), settings.env or {}),
        "ExposedPorts": {**base.get("ExposedPorts", {}), **{_port(port): {} for port in settings.exposed_ports or ()}},
        "Labels": {**base.get("Labels", {}), **_texts("labels", settings.labels or {})},
    }
    if settings.entrypoint is not None:
        # The base's command was written for its own entrypoint.
        merged.update(Entrypoint=list(settings.entrypoint), Cmd=[])
    given = {
        "Cmd": settings.command,
        "Healthcheck": None if settings.healthcheck is None else _health_check(settings.healthcheck),
        "StopSignal": settings.stop_signal,
        "User": settings.user,
        "WorkingDir": settings.working_dir,
    }
    merged.update({key: value for key, value in given.items() if value is not None})
    return {key: value for key, value in merged.items() if value}


def image_config(base: Description, layers: Sequence[Layer], settings: Mapping[str, Any]) -> bytes:
    """Return the configuration of the image that has `layers` on top of `base`."""
    document = {
        "architecture": base.architecture,
        "config": settings,
        "created": CREATED,
        "history": [_step(f"base layer {number}") for number in range(1, len(base.diff_ids) + 1)]
        + [_step(layer.origin) for layer in layers],
        "os": base.system,
        "rootfs": {"type": "layers", "diff_ids": [*base.diff_ids, *(layer.blob.digest for layer in layers)]},
        **({"variant": base.variant} if base.variant else {}),
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def known_labels(base: str, release_ids: Sequence[str]) -> dict[str, str]:
    """Return the labels that follow from the base's name and from what the releases are called.

    Source: OCI image specification 1.1, "Pre-Defined Annotation Keys".
    """
    name, _, digest = base.partition("@")
    labels = {"org.opencontainers.image.base.name": name}
    if digest:
        labels["org.opencontainers.image.base.digest"] = digest
    if release_ids:
        labels[RELEASE_LABEL] = ",".join(release_ids)
    found = RELEASE_ID.fullmatch(release_ids[0]) if len(release_ids) == 1 else None
    if found:
        labels["org.opencontainers.image.title"] = found.group("name")
        labels["org.opencontainers.image.version"] = found.group("version")
        labels["org.opencontainers.image.revision"] = found.group("key")
    return labels


def _comparable(description: Description) -> tuple[Any, ...]:
    it = description
    return (it.architecture, it.variant, it.system, tuple(it.diff_ids), json.dumps(it.settings, sort_keys=True))


def _step(what: str) -> dict[str, str]:
    return {"created": CREATED, "created_by": f"{AUTHOR}: {what}"}


def _environment(base: Sequence[str], env: Mapping[str, Any]) -> list[str]:
    changed = _texts("env", env)
    bad = [name for name in changed if not name or "=" in name]
    if bad:
        raise AdapterError(f"env: {bad[0]!r} is no variable's name. Write a name without `=`.")
    merged = {**dict(item.partition("=")[::2] for item in base), **dict(sorted(changed.items()))}
    return [f"{name}={value}" for name, value in merged.items()]


def _texts(option: str, values: Mapping[str, Any]) -> dict[str, str]:
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise AdapterError(f"{option}: {name} is {value!r}, which is no text. Write it in quotes.")
    return {str(name): str(value) for name, value in values.items()}


def _port(text: str) -> str:
    found = re.fullmatch(r"([0-9]{1,5})(?:/(tcp|udp|sctp))?", text)
    if found is None or not 0 < int(found.group(1)) < 65_536:
        raise AdapterError(f'exposed_ports: {text!r} is no port. Write for example "8000" or "53/udp".')
    return f"{int(found.group(1))}/{found.group(2) or 'tcp'}"


def _health_check(check: Mapping[str, Any]) -> dict[str, Any]:
    test = list(check["test"])
    if test[:1] not in (["CMD"], ["CMD-SHELL"], ["NONE"]):
        raise AdapterError(f"healthcheck: test {test!r} must begin with CMD, CMD-SHELL or NONE.")
    told: dict[str, Any] = {"Test": test}
    for option, key in HEALTH_TIMES.items():
        if check.get(option) is not None:
            told[key] = round(check[option] * NS)
    if check.get("retries") is not None:
        told["Retries"] = check["retries"]
    return told
