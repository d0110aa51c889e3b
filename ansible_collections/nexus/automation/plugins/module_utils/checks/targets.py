# SPDX-License-Identifier: Apache-2.0
"""Targets: their options in modules, and how options become something to ask."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ..errors import AdapterError
from ..services import SERVICES
from . import CHECKS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .base import Check

SLACK_S = 5.0

TARGET_OPTIONS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "service": {"type": "str", "default": "web", "choices": list(SERVICES)},
    "kind": {"type": "str", "choices": list(CHECKS)},
    "url": {"type": "str"},
    "host": {"type": "str", "default": "127.0.0.1"},
    "port": {"type": "int"},
    "path": {"type": "str"},
    "tls": {"type": "bool", "default": False},
    "ca_file": {"type": "path"},
    "verify_tls": {"type": "bool", "default": True},
    "statuses": {"type": "list", "elements": "int", "default": [200]},
    "contains": {"type": "str"},
    "json_pointer": {"type": "str"},
    "json_value": {"type": "raw"},
    "command": {"type": "list", "elements": "str"},
    "alarm": {"type": "str"},
    "region": {"type": "str"},
    "expected_rc": {"type": "int", "default": 0},
    "environment": {"type": "dict"},
    "database": {"type": "str"},
    "user": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "query": {"type": "str", "default": "SELECT 1"},
    "metrics_path": {"type": "str", "default": "/metrics"},
    "admin": {"type": "str"},
    "program": {"type": "str"},
    "pids": {"type": "list", "elements": "int", "default": []},
    "timeout": {"type": "float"},
    "retries": {"type": "int"},
    "interval": {"type": "float"},
    "patience": {"type": "float"},
}

TARGETS_SPEC: dict[str, Any] = {
    "targets": {"type": "list", "elements": "dict", "default": [], "options": TARGET_OPTIONS},
    "concurrency": {"type": "int", "default": 32},
    "limit": {"type": "float"},
    "timeout": {"type": "float", "default": 5},
    "retries": {"type": "int", "default": 0},
    "interval": {"type": "float", "default": 1},
    "patience": {"type": "float", "default": 0},
}


class Limited(Protocol):
    """Something that is tried for a limited time."""

    @property
    def limit_s(self) -> float:
        """How long all tries may take together."""
        ...


Made = TypeVar("Made")


@dataclass(frozen=True)
class Target:
    """Something to check: up to `retries` further tries, `interval` seconds apart, of `timeout` seconds each.

    None of them begins later than `patience` seconds after the first, if that is not 0.
    """

    name: str
    kind: str
    check: Check
    timeout: float
    retries: int
    interval: float
    patience: float = 0

    @property
    def limit_s(self) -> float:
        """How long all tries may take together."""
        all_tries = (self.retries + 1) * self.timeout + self.retries * self.interval
        return min(all_tries, self.patience + self.timeout) if self.patience else all_tries


def complete_parameters(targets: Sequence[Mapping[str, Any]], **settings: float | None) -> dict[str, Any]:
    """Return what `read_targets` wants, for callers that are no modules: the defaults fill what is not given.

    `settings` are those of TARGETS_SPEC, such as `retries`.
    """
    defaults = {name: option.get("default") for name, option in TARGET_OPTIONS.items()}
    parameters = {name: option.get("default") for name, option in TARGETS_SPEC.items()}
    return {**parameters, **settings, "targets": [{**defaults, **target} for target in targets]}


def read_targets(parameters: Mapping[str, Any]) -> list[Target]:
    """Make targets of the parameters of a module whose spec holds TARGETS_SPEC.

    Raises AdapterError that names every target with options that make no sense.
    """
    return read_each(parameters, _target)


def read_each(parameters: Mapping[str, Any], make: Callable[[Mapping[str, Any]], Made]) -> list[Made]:
    """Call `make` with the options of each target, completed by the module's own; collect what it complains of."""
    made, problems = [], []
    for options in parameters["targets"]:
        try:
            made.append(make({**options, **_limits(options, parameters)}))
        except AdapterError as error:
            problems.append(f"target {options['name']}: {error}")
    if problems:
        raise AdapterError("\n".join(problems))
    return made


def limit_for(targets: Sequence[Limited], concurrency: int) -> float:
    """Return the seconds that nobody exceeds who asks `targets`, `concurrency` at a time."""
    rounds = math.ceil(len(targets) / max(1, concurrency))
    return rounds * max((target.limit_s for target in targets), default=0.0) + SLACK_S


def _limits(options: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    limits = {
        name: parameters[name] if options[name] is None else options[name]
        for name in ("timeout", "retries", "interval", "patience")
    }
    for name, value in limits.items():
        if value < 0 or (name == "timeout" and value == 0):
            raise AdapterError(f"{name} {value:g} makes no sense")
    return limits


def _target(options: Mapping[str, Any]) -> Target:
    default = SERVICES[options["service"]].default_check
    kind = options["kind"] or default["kind"]
    path = options["path"] or (default.get("path") if kind == default["kind"] else None)
    check = CHECKS[kind].from_options({**options, "path": path})
    limits = {name: options[name] for name in ("timeout", "retries", "interval", "patience")}
    return Target(options["name"], kind, check, **limits)
