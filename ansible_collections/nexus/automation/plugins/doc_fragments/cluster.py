# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules that talk to a cluster of Kubernetes, named as in kubernetes.core."""

from __future__ import annotations


class ModuleDocFragment:
    """Options documented once for all of them."""

    DOCUMENTATION = """
options:
  kubeconfig:
    description:
      - The file that tells how to get in. Without one it is what kubectl would take; in a pod, the pod's own account.
      - The environment variable E(K8S_AUTH_KUBECONFIG) is used when the option is not set.
    type: path
  context:
    description:
      - The context of the kubeconfig; its current one by default.
      - The environment variable E(K8S_AUTH_CONTEXT) is used when the option is not set.
    type: str
  namespace:
    description: The namespace.
    type: str
    required: true
  timeout:
    description: Seconds that an answer may take.
    type: int
    default: 60
requirements:
  - the Python library kubernetes, 30 or later, which the extra C(kubernetes) of nexus-ansible brings
"""
