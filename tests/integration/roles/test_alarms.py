# SPDX-License-Identifier: Apache-2.0
"""The alarms that a deployment is verified by: CloudWatch of moto, asked from the control node."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.ec2 import REGION, VARIABLES, client, put_alarm, running_ec2
from tests.servers.playbook import PlaybookRun, run_tasks

ALARM = "shop errors"
TARGETS = [{"name": ALARM, "kind": "cloudwatch_alarm", "alarm": ALARM, "region": REGION}]
TASKS = [
    {"ansible.builtin.add_host": {"name": "localhost", "groups": ["control"]}},
    {"ansible.builtin.include_role": {"name": "nexus.automation.deployment", "tasks_from": "alarms"}},
]


@pytest.fixture
def cloudwatch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with running_ec2() as endpoint:
        for name, value in {**VARIABLES, "AWS_ENDPOINT_URL": endpoint}.items():
            monkeypatch.setenv(name, value)
        put_alarm(endpoint, REGION, ALARM)
        yield client(endpoint, REGION, "cloudwatch")


def _look(directory: Path) -> PlaybookRun:
    return run_tasks(directory, TASKS, variables={"deployment_alarms": TARGETS}, hosts=("localhost", "web-1"))


def test_a_raised_alarm_fails_the_step_with_its_reason(tmp_path: Path, cloudwatch: Any) -> None:
    cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue="ALARM", StateReason="too many errors")
    done = _look(tmp_path)
    assert done.returncode != 0
    looked = done.named("Alarms | Check that none is raised")
    assert "alarm shop errors of eu-central-1: the alarm is raised: too many errors" in looked.message


def test_alarms_that_are_not_raised_let_it_pass(tmp_path: Path, cloudwatch: Any) -> None:
    cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue="OK", StateReason="no errors")
    done = _look(tmp_path)
    assert done.returncode == 0, done.output
