# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

from nexus_ansible.ledger import Ledger, Query, QueryError, export

from .samples import ended, started, task

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def ledger(directory: Path) -> Path:
    Ledger.open(directory).append(
        [
            started("a", plan="sha256:1"),
            task(1, "a", step="deploy", duration=1.25, source="automation_registry.yaml:14"),
            task(2, "a", step="deploy", outcome="failed", changed=False, task='=SUM(A1)\n"quoted"', attempt=2),
            task(3, "a", step="verify", outcome="skipped", changed=False),
            ended("a", "failed"),
            started("b"),
        ]
    )
    return directory


def exported(directory: Path, query: Query, format_name: str) -> str:
    stream = io.StringIO(newline="")
    export(directory, query, format_name, stream)
    return stream.getvalue()


def test_json_lines_hold_record_payload_and_actor(ledger: Path) -> None:
    lines = [json.loads(line) for line in exported(ledger, Query(run="a"), "jsonl").splitlines()]
    assert [line["index"] for line in lines] == [0, 1, 2, 3, 4]
    assert {line["actor"] for line in lines} == {"alice"}
    assert lines[1]["payload"] == {"message": "done 1"}
    assert lines[1]["record"]["duration"] == 1.25


def test_csv_reads_back_to_the_same_values(ledger: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(ledger, Query(), "csv"), newline="")))
    assert list(rows[0]) == [
        *("index", "time", "run", "n", "kind", "env", "workflow", "step", "wave", "service", "task", "host"),
        *("outcome", "changed", "duration", "source", "plan", "actor", "fields", "payload"),
    ]
    assert [row["n"] for row in rows] == ["0", "1", "2", "3", "4", "0"]
    assert rows[2]["task"] == '=SUM(A1)\n"quoted"'
    assert (rows[1]["changed"], rows[1]["duration"], rows[1]["wave"]) == ("false", "1.25", "")
    assert json.loads(rows[2]["fields"]) == {"attempt": 2}
    assert json.loads(rows[0]["payload"])["actor"] == "alice"
    assert rows[0]["plan"] == "sha256:1"


def test_a_navigator_artifact_has_what_replay_reads(ledger: Path) -> None:
    artifact = json.loads(exported(ledger, Query(run="a"), "navigator"))
    assert set(artifact) == {
        *("version", "plays", "stdout", "status", "status_color", "settings_entries", "settings_sources")
    }
    assert (artifact["version"], artifact["status"], artifact["status_color"]) == ("2.0.0", "failed", 9)
    deploy, verify = artifact["plays"]
    assert (deploy["__play_name"], deploy["__ok"], deploy["__failed"], deploy["__task_count"]) == ("deploy", 1, 1, 2)
    assert (verify["__skipped"], verify["__progress"], verify["__in progress"]) == (1, "100%", 0)
    first = deploy["tasks"][0]
    assert (first["__host"], first["__result"], first["__changed"], first["__duration"], first["__number"]) == (
        *("backend-2", "Ok", False, "1s"),
        0,
    )
    assert first["task_path"] == "automation_registry.yaml:14"
    assert first["play_uuid"] == deploy["uuid"]
    assert first["res"] == {"changed": False, "message": "done 1"}
    assert "failed: [backend-3]" in artifact["stdout"]


@pytest.mark.parametrize(
    ("query", "format_name", "message"),
    [
        (Query(), "navigator", "an artifact holds one run, but 2 were selected"),
        (Query(run="z"), "navigator", "but 0 were selected"),
        (Query(), "xlsx", "Choose one of jsonl, csv, navigator"),
    ],
)
def test_an_export_that_makes_no_sense_is_refused(ledger: Path, query: Query, format_name: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        exported(ledger, query, format_name)
