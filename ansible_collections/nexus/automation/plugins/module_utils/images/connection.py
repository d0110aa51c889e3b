# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections to a Docker engine through the Python library docker, when the target has it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import env_fallback, missing_required_lib

from ..errors import AdapterError, UnreachableError
from .engine import Engine, describe_silence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LIBRARY_URL = "https://docker-py.readthedocs.io/"
CERTIFICATES = {"ca_path": "ca.pem", "client_cert": "cert.pem", "client_key": "key.pem"}
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # requests prefers them to what it is told

CONNECTION_SPEC: dict[str, Any] = {
    "docker_host": {
        "type": "str",
        "default": "unix:///var/run/docker.sock",
        "fallback": (env_fallback, ["DOCKER_HOST"]),
        "aliases": ["docker_url"],
    },
    "tls": {"type": "bool", "default": False, "fallback": (env_fallback, ["DOCKER_TLS"])},
    "validate_certs": {
        "type": "bool",
        "default": False,
        "fallback": (env_fallback, ["DOCKER_TLS_VERIFY"]),
        "aliases": ["tls_verify"],
    },
    "ca_path": {"type": "path", "aliases": ["ca_cert", "tls_ca_cert", "cacert_path"]},
    "client_cert": {"type": "path", "aliases": ["tls_client_cert", "cert_path"]},
    "client_key": {"type": "path", "aliases": ["tls_client_key", "key_path"]},
    "timeout": {"type": "int", "default": 60, "fallback": (env_fallback, ["DOCKER_TIMEOUT"])},
}


@contextlib.contextmanager
def connect_engine(options: Mapping[str, Any]) -> Iterator[Engine]:
    """Connect for the block to the engine that the options of CONNECTION_SPEC tell.

    Raises AdapterError naming what to install, and UnreachableError when no engine answers.
    """
    # Imported here: only the targets that use it pay for it, in time and in what must be installed.
    try:
        import docker
        import requests
    except ImportError as error:
        raise AdapterError(missing_required_lib("docker", url=LIBRARY_URL)) from error
    host = options["docker_host"]
    try:
        client = docker.APIClient(
            host,
            timeout=options["timeout"],
            tls=_tls(docker, options),
            version="auto",
            # OpenSSH's client knows the user's keys, configuration and known hosts; the library's own does not.
            use_ssh_client=host.startswith("ssh://"),
        )
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise UnreachableError(describe_silence(host, error)) from error
    with contextlib.closing(client):
        yield Engine(client, host)


def _tls(docker: Any, options: Mapping[str, Any]) -> Any:
    if not (options["tls"] or options["validate_certs"]):
        return False
    folder = os.environ.get("DOCKER_CERT_PATH")
    files = {
        option: options[option] or (str(Path(folder) / name) if folder else None)
        for option, name in CERTIFICATES.items()
    }
    if files["ca_path"] or not options["validate_certs"]:
        for name in BUNDLES:
            os.environ.pop(name, None)
    pair = (files["client_cert"], files["client_key"])
    return docker.tls.TLSConfig(
        client_cert=pair if any(pair) else None, ca_cert=files["ca_path"], verify=options["validate_certs"]
    )
