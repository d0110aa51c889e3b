# SPDX-License-Identifier: Apache-2.0
"""Health targets: their options in modules, and how options become something to check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import AdapterError
from . import CHECKS
from .base import Check

DEFAULT_CHECKS: dict[str, dict[str, str]] = {
    "web": {"kind": "http", "path": "/health"},
    "proxy": {"kind": "http", "path": "/"},
    "postgresql": {"kind": "postgresql"},
    "redis": {"kind": "redis"},
}

TARGET_OPTIONS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "service": {"type": "str", "default": "web", "choices": list(DEFAULT_CHECKS)},
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
    "expected_rc": {"type": "int", "default": 0},
    "environment": {"type": "dict"},
    "database": {"type": "str"},
    "user": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "query": {"type": "str", "default": "SELECT 1"},
    "metrics_path": {"type": "str", "default": "/metrics"},
    "admin": {"type": "str"},
    "pids": {"type": "list", "elements": "int"},
    "timeout": {"type": "float"},
    "retries": {"type": "int"},
    "interval": {"type": "float"},
}

TARGETS_SPEC: dict[str, Any] = {
    "targets": {"type": "list", "elements": "dict", "required": True, "options": TARGET_OPTIONS},
    "concurrency": {"type": "int", "default": 32},
    "timeout": {"type": "float", "default": 5},
    "retries": {"type": "int", "default": 0},
    "interval": {"type": "float", "default": 1},
}


@dataclass(frozen=True)
class Target:
    """Something to check: up to `retries` further tries, `interval` seconds apart, of `timeout` seconds each."""

    name: str
    kind: str
    check: Check
    timeout: float
    retries: int
    interval: float

    @property
    def limit_s(self) -> float:
        """How long all tries may take together."""
        return (self.retries + 1) * self.timeout + self.retries * self.interval


def read_targets(parameters: Mapping[str, Any]) -> list[Target]:
    """Make targets of the parameters of a module whose spec holds TARGETS_SPEC.

    Raises AdapterError that names every target with options that make no sense.
    """
    targets, problems = [], []
    for options in parameters["targets"]:
        try:
            targets.append(_target(options, parameters))
        except AdapterError as error:
            problems.append(f"target {options['name']}: {error}")
    if problems:
        raise AdapterError("\n".join(problems))
    return targets


def setting(options: Mapping[str, Any], parameters: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - int or float
    """Return the target's own `name`, or the module's when the target has none."""
    own = options[name]
    value = parameters[name] if own is None else own
    if value < 0 or (name == "timeout" and value == 0):
        raise AdapterError(f"{name} {value:g} makes no sense")
    return value


def _target(options: Mapping[str, Any], parameters: Mapping[str, Any]) -> Target:
    defaults = DEFAULT_CHECKS[options["service"]]
    kind = options["kind"] or defaults["kind"]
    path = options["path"] or (defaults.get("path") if kind == defaults["kind"] else None)
    limits = {name: setting(options, parameters, name) for name in ("timeout", "retries", "interval")}
    return Target(options["name"], kind, CHECKS[kind].from_options({**options, "path": path}), **limits)
