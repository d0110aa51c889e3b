# SPDX-License-Identifier: Apache-2.0
"""Reads the metrics of many services at once, with those of their processes."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..checks.targets import limit_for
from ..concurrency import run_jobs
from ..errors import AdapterError
from ..processes import read_process, resident_bytes
from . import SERVICES
from .base import Sample, Service

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True)
class Source:
    """A service to be asked, and the processes whose metrics belong to it."""

    name: str
    service: Service
    pids: Sequence[int]
    timeout: float
    retries: int
    interval: float

    @property
    def limit_s(self) -> float:
        """How long all tries may take together."""
        return (self.retries + 1) * self.timeout + self.retries * self.interval


@dataclass(frozen=True)
class Reading:
    """What a source told, or why it did not."""

    name: str
    samples: Sequence[Sample]
    error: str | None


def make_source(options: Mapping[str, Any], pids: Sequence[int]) -> Source:
    """Make a source of a target's options; raise AdapterError for options that make no sense."""
    service = SERVICES[options["service"]].from_options(options)
    return Source(options["name"], service, pids, options["timeout"], options["retries"], options["interval"])


def read_all(sources: Sequence[Source], concurrency: int, limit_s: float | None = None) -> list[Reading]:
    """Read all sources, at most `concurrency` at a time; their readings come in the same order."""
    limit = limit_for(sources, concurrency) if limit_s is None else limit_s
    readings = run_jobs([functools.partial(_read, source) for source in sources], concurrency, limit)
    late = f"no answer within the {limit:g} s that all targets have together"
    return [readings[place] or Reading(source.name, (), late) for place, source in enumerate(sources)]


def process_samples(pids: Iterable[int]) -> list[Sample]:
    """Return CPU time and memory of each process; raise AdapterError for one that does not exist."""
    samples = []
    for pid in pids:
        process, memory = read_process(pid), resident_bytes(pid)
        if process is None or memory is None:
            raise AdapterError(f"there is no process {pid}")
        labels = {"pid": str(pid)}
        samples.append(Sample("process_cpu_seconds_total", labels, process.cpu_seconds))
        samples.append(Sample("process_resident_memory_bytes", labels, float(memory)))
    return samples


def _read(source: Source) -> Reading:
    error = ""
    for attempt in range(source.retries + 1):
        if attempt:
            time.sleep(source.interval)
        try:
            samples = [*source.service.read_metrics(source.timeout), *process_samples(source.pids)]
        except AdapterError as problem:
            error = f"{source.service.address}: {problem}"
        else:
            return Reading(source.name, samples, None)
    return Reading(source.name, (), error)
