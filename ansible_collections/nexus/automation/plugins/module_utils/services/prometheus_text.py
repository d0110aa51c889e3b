# SPDX-License-Identifier: Apache-2.0
"""Prometheus's text format (its documentation: "Exposition formats", version 0.0.4)."""

from __future__ import annotations

import math
import re

from ..errors import AdapterError
from .base import Sample

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*,?')
LINE = re.compile(rf"({NAME})\s*(?:\{{((?:[^\"}}]|\"(?:[^\"\\]|\\.)*\")*)\}})?\s+(\S+)(?:\s+-?\d+)?\s*")
ESCAPES = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}


def parse_metrics(text: str) -> list[Sample]:
    """Return the samples in `text`, without those whose value is not finite, which JSON cannot carry.

    Raises AdapterError that names the first line which is none.
    """
    samples = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        sample = _sample(line)
        if sample is None:
            raise AdapterError(f"line {number} of the metrics is not Prometheus's text format: {line[:120]!r}")
        if math.isfinite(sample.value):
            samples.append(sample)
    return samples


def _sample(line: str) -> Sample | None:
    found = LINE.fullmatch(line)
    if found is None:
        return None
    labels = {name: _unescaped(value) for name, value in LABEL.findall(found.group(2) or "")}
    try:
        return Sample(found.group(1), labels, float(found.group(3)))
    except ValueError:
        return None


def _unescaped(value: str) -> str:
    return re.sub(r"\\.", lambda escape: ESCAPES.get(escape.group(), escape.group()), value)
