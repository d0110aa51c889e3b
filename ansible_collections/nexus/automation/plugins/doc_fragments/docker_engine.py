# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules that talk to a Docker engine, named as in community.docker."""

from __future__ import annotations


class ModuleDocFragment:
    """Options documented once for all of them."""

    DOCUMENTATION = """
options:
  docker_host:
    description:
      - Where the engine answers, V(unix://PATH), V(tcp://HOST:PORT), V(https://HOST:PORT) or V(ssh://USER@HOST).
      - The environment variable E(DOCKER_HOST) is used when the option is not set.
    type: str
    default: unix:///var/run/docker.sock
    aliases: [docker_url]
  tls:
    description:
      - Whether to speak TLS without verifying whom one speaks to.
      - The environment variable E(DOCKER_TLS) is used when the option is not set.
    type: bool
    default: false
  validate_certs:
    description:
      - Whether to speak TLS and require a certificate that O(ca_path) vouches for. It takes precedence over O(tls).
      - The environment variable E(DOCKER_TLS_VERIFY) is used when the option is not set.
    type: bool
    default: false
    aliases: [tls_verify]
  ca_path:
    description:
      - A file with the certificates of the authorities to trust, instead of those that the library docker trusts.
      - C(ca.pem) in the directory E(DOCKER_CERT_PATH) is used when that is set and the option is not.
    type: path
    aliases: [ca_cert, tls_ca_cert, cacert_path]
  client_cert:
    description:
      - A file with the certificate to show to the engine.
      - C(cert.pem) in the directory E(DOCKER_CERT_PATH) is used when that is set and the option is not.
    type: path
    aliases: [tls_client_cert, cert_path]
  client_key:
    description:
      - A file with the key of O(client_cert).
      - C(key.pem) in the directory E(DOCKER_CERT_PATH) is used when that is set and the option is not.
    type: path
    aliases: [tls_client_key, key_path]
  timeout:
    description:
      - Seconds that the engine may say nothing in.
      - The environment variable E(DOCKER_TIMEOUT) is used when the option is not set.
    type: int
    default: 60
"""
