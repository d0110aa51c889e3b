# SPDX-License-Identifier: Apache-2.0
"""Amounts of memory and CPUs in the manner of Kubernetes, read strictly.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_BYTES = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12} | {
    f"{letter}i": 1024**power for power, letter in enumerate("KMGT", start=1)
}
_MEMORY = re.compile(r"([0-9]+)([KMGT]i|[kKMGT]?)")
_CPU = re.compile(r"[0-9]+(m|[.][0-9]+)?")


def memory_bytes(quantity: str) -> int:
    """A Kubernetes memory quantity in bytes. Raises ValueError for anything else.

    >>> memory_bytes("4Gi"), memory_bytes("10M")
    (4294967296, 10000000)
    """
    found = _MEMORY.fullmatch(quantity)
    if not found:
        raise ValueError(f"{quantity!r} is not an amount of memory")
    factor: int = _BYTES[found[2]]
    return int(found[1]) * factor


def cpu_count(quantity: str) -> float:
    """A Kubernetes CPU quantity as a number of CPUs. Raises ValueError for anything else.

    >>> cpu_count("500m"), cpu_count("2")
    (0.5, 2.0)
    """
    if not _CPU.fullmatch(quantity):
        raise ValueError(f"{quantity!r} is not a number of CPUs")
    return int(quantity[:-1]) / 1000 if quantity.endswith("m") else float(quantity)


def resources(data: Mapping[str, str]) -> dict[str, float]:
    """What may be used, of what is limited at all: `cpu` as a number of CPUs, `memory` in bytes.

    >>> resources({"cpu": "500m", "memory": "1Ki"}), resources({})
    ({'cpu': 0.5, 'memory': 1024}, {})
    """
    units = {"cpu": cpu_count, "memory": memory_bytes}
    return {name: read(data[name]) for name, read in units.items() if name in data}
