# SPDX-License-Identifier: Apache-2.0
"""Asks Amazon CloudWatch for the state of an alarm, by boto3 and with the credentials that it finds.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import AdapterError
from .base import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = ("MetricAlarm", "CompositeAlarm")
ALARM, NO_DATA = "ALARM", "INSUFFICIENT_DATA"


@dataclass(frozen=True)
class CloudwatchAlarmCheck:
    """One alarm by its name; only one that is raised is unhealthy: without data it tells nothing of the service."""

    alarm: str
    region: str

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> CloudwatchAlarmCheck:
        """Make one from `alarm` and `region`."""
        if missing := [name for name in ("alarm", "region") if not options[name]]:
            raise AdapterError(f"the kind cloudwatch_alarm needs {' and '.join(missing)}")
        try:
            import boto3  # noqa: F401  # only the clouds' users have it
        except ImportError as error:
            raise AdapterError("the kind cloudwatch_alarm needs boto3: pip install 'nexus-ansible[aws]'") from error
        return cls(options["alarm"], options["region"])

    @property
    def address(self) -> str:
        """Alarm and region."""
        return f"alarm {self.alarm} of {self.region}"

    def probe(self, timeout: float) -> Answer:
        """Ask once."""
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        limits = Config(connect_timeout=timeout, read_timeout=timeout, retries={"total_max_attempts": 1})
        try:
            cloudwatch = boto3.client("cloudwatch", region_name=self.region, config=limits)
            told = cloudwatch.describe_alarms(AlarmNames=[self.alarm], AlarmTypes=list(KINDS))
        except (BotoCoreError, ClientError) as error:
            return Answer(False, f"CloudWatch does not tell: {error}")
        found = [alarm for kind in KINDS for alarm in told.get(f"{kind}s", ())]
        return _judge(found[0]) if found else Answer(False, "there is no such alarm")


def _judge(alarm: Mapping[str, Any]) -> Answer:
    state = alarm["StateValue"]
    if state == ALARM:
        reason = " ".join(alarm.get("StateReason", "").split())
        return Answer(False, f"the alarm is raised: {reason}" if reason else "the alarm is raised")
    return Answer(True, "no data yet" if state == NO_DATA else "the alarm is not raised")
