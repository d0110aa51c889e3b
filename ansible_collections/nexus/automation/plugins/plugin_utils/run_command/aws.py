# SPDX-License-Identifier: Apache-2.0
"""AWS: Systems Manager's Run Command, and S3.

Limits and words of the API are those of the service description in botocore, `data/ssm/2014-11-06`: of a command's
errors it returns the first 8,000 characters, a command can be asked for only some time after it was sent, and a
command that must begin in time has 30 s at least.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from .cloud import Cloud, CloudError, Outcome

DOCUMENT = "AWS-RunShellScript"
SHORTEST_DELIVERY_S = 30
LONGEST_URL_S = 7 * 24 * 3600
LOOK_BACK = dt.timedelta(hours=1)
SERVER_ERROR = 500
_RETRIES = {"mode": "standard", "max_attempts": 5}
_PENDING = frozenset({"Pending", "InProgress", "Delayed", "Cancelling"})

_EXPIRED = "the credentials have expired. Log in again, or renew them, and see that they last as long as the run"
_SKEWED = (
    "the signature is not valid at this time: the clock of the control node is wrong. Set it (timedatectl status tells "
    "whether it is synchronised), and run again"
)
_UNKNOWN = "AWS does not know these credentials. See AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_DENIED = "the credentials do not allow it. Let their policy allow this action; docs/how-to/run-command.md lists all"
_ADVICE = {
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "RequestExpired": _SKEWED,
    "RequestTimeTooSkewed": _SKEWED,
    "InvalidAccessKeyId": _UNKNOWN,
    "InvalidClientTokenId": _UNKNOWN,
    "UnrecognizedClientException": _UNKNOWN,
    "AccessDenied": _DENIED,
    "AccessDeniedException": _DENIED,
    "InvalidInstanceId": "Systems Manager does not manage this instance. See that it runs in this region, that its "
    "instance profile holds AmazonSSMManagedInstanceCore, and that its agent is online",
    "NoSuchBucket": "there is no such bucket. Set ansible_aws_run_command_bucket to one in the region of the instance",
}
_SIGNATURES = ("InvalidSignatureException", "SignatureDoesNotMatch")
_FAULTS = {
    "ExecutionTimedOut": "the command did not end in time and was ended. Raise ansible_run_command_execution_timeout, "
    "or see why it takes so long",
    "TimedOut": "the command did not end in time and was ended. Raise ansible_run_command_execution_timeout, or see "
    "why it takes so long",
    "DeliveryTimedOut": "the machine did not take the command in time. See that it runs and that its agent is online "
    "(aws ssm describe-instance-information)",
    "Undeliverable": "the command cannot be delivered. See that the machine runs and that its agent is online",
    "Cancelled": "the command was cancelled by somebody else. Run it again",
    "Terminated": "the command was ended by somebody else. Run it again",
    "AccessDenied": "the machine may not run the command. See the policy of its instance profile",
}


@dataclass(frozen=True)
class RunCommand:
    """An instance that Systems Manager manages, as `instance` (i-…, or mi-… outside EC2)."""

    client: Any
    instance: str

    def start(self, job: str, script: str, hidden: Mapping[str, str], delivery_s: int, execution_s: int) -> str:
        # There are no hidden parameters: whoever may read the history sees the variables, so they must soon be void.
        first, *rest = script.splitlines()
        assignments = [f"{name}='{value}'" for name, value in hidden.items()]
        with _explained(f"{self.instance}: ssm:SendCommand"):
            sent = self.client.send_command(
                InstanceIds=[self.instance],
                DocumentName=DOCUMENT,
                Comment=job,
                TimeoutSeconds=max(delivery_s, SHORTEST_DELIVERY_S),
                Parameters={"commands": [first, *assignments, *rest], "executionTimeout": [str(execution_s)]},
            )
        return str(sent["Command"]["CommandId"])

    def find(self, job: str) -> list[str]:
        with _explained(f"{self.instance}: ssm:ListCommands"):
            since = (dt.datetime.now(dt.UTC) - LOOK_BACK).strftime("%Y-%m-%dT%H:%M:%SZ")
            lately = [{"key": "InvokedAfter", "value": since}]
            pages = self.client.get_paginator("list_commands").paginate(InstanceId=self.instance, Filters=lately)
            return [str(one["CommandId"]) for page in pages for one in page["Commands"] if one.get("Comment") == job]

    def look(self, command: str) -> Outcome | None:
        with _explained(f"{self.instance}: ssm:GetCommandInvocation"):
            try:
                found = self.client.get_command_invocation(CommandId=command, InstanceId=self.instance)
            except self.client.exceptions.InvocationDoesNotExist:
                return None  # it was sent a moment ago
        status, details = found["Status"], found["StatusDetails"].replace(" ", "")
        if status in _PENDING:
            return None
        if status == "Success" or details == "Failed":
            return Outcome(int(found["ResponseCode"]), found["StandardErrorContent"])
        return Outcome(-1, "", f"{_FAULTS.get(details, 'the command failed')} ({details}).")

    def cancel(self, command: str, stop: str) -> None:
        # The agent kills the whole process group of the loader.
        with _explained(f"{self.instance}: ssm:CancelCommand"):
            self.client.cancel_command(CommandId=command, InstanceIds=[self.instance])

    def forget(self, command: str) -> None:
        """The history of commands has no limit that counts."""


@dataclass(frozen=True)
class Bucket:
    """A bucket of S3, below a prefix."""

    client: Any
    name: str
    prefix: str
    upload_header: str = ""

    def put(self, name: str, source: BinaryIO) -> None:
        with _explained(f"s3://{self.name}/{self.prefix}{name}: s3:PutObject"):
            self.client.put_object(Bucket=self.name, Key=self.prefix + name, Body=source)

    def has(self, name: str) -> bool:
        from botocore.exceptions import ClientError

        with _explained(f"s3://{self.name}/{self.prefix}{name}: s3:GetObject"):
            try:
                self.client.head_object(Bucket=self.name, Key=self.prefix + name)
            except ClientError as error:
                # Who may not list the bucket is told 403 of what is not there, and nothing says why: writing will.
                if error.response["ResponseMetadata"]["HTTPStatusCode"] >= SERVER_ERROR:
                    raise
                return False
        return True

    def get(self, name: str, target: BinaryIO) -> None:
        with _explained(f"s3://{self.name}/{self.prefix}{name}: s3:GetObject"):
            body = self.client.get_object(Bucket=self.name, Key=self.prefix + name)["Body"]
            target.writelines(body.iter_chunks(1 << 20))

    def delete(self, names: Sequence[str]) -> None:
        with _explained(f"s3://{self.name}/{self.prefix}: s3:DeleteObject"):
            for name in names:
                self.client.delete_object(Bucket=self.name, Key=self.prefix + name)

    def download_url(self, name: str, valid_s: int) -> str:
        return self._url("get_object", name, valid_s)

    def upload_url(self, name: str, valid_s: int) -> str:
        return self._url("put_object", name, valid_s)

    def _url(self, action: str, name: str, valid_s: int) -> str:
        with _explained(f"s3://{self.name}/{self.prefix}{name}"):
            return str(
                self.client.generate_presigned_url(
                    action,
                    {"Bucket": self.name, "Key": self.prefix + name},
                    ExpiresIn=min(valid_s, LONGEST_URL_S),
                )
            )


def open_aws(settings: Mapping[str, Any]) -> Cloud:
    """The instance and bucket of `settings`: `instance`, and what `open_bucket` needs.

    Raises CloudError when the library is missing, or the profile, or a region.
    """
    session, config = _open(settings)
    with _explained(str(settings["instance"])):
        commands = session.client("ssm", config=config(retries=_RETRIES))
    return Cloud(RunCommand(commands, settings["instance"]), _bucket(session, config, settings))


def open_bucket(settings: Mapping[str, Any]) -> Bucket:
    """The bucket of `settings`: `bucket`, `prefix`, and `region` and `profile` or None. Raises CloudError as above."""
    return _bucket(*_open(settings), settings)


def _open(settings: Mapping[str, Any]) -> tuple[Any, Any]:
    """A session of the vendor's library, and its class of configurations."""
    # Imported here: only runs that use it pay for it, in time and in what must be installed.
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise CloudError(
            f"Run Command and S3 need the Python package boto3 on the control node ({error}). "
            "Install nexus-ansible[aws]."
        ) from error
    with _explained(str(settings["bucket"])):
        return boto3.Session(profile_name=settings.get("profile"), region_name=settings.get("region")), Config


def _bucket(session: Any, config: Any, settings: Mapping[str, Any]) -> Bucket:
    # Addresses below the bucket's own name lead to its region at once; the others redirect, which loses an upload.
    chosen = config(
        signature_version="s3v4",
        retries=_RETRIES,
        s3={"addressing_style": "virtual"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    with _explained(str(settings["bucket"])):
        return Bucket(session.client("s3", config=chosen), settings["bucket"], settings["prefix"])


@contextlib.contextmanager
def _explained(where: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

    try:
        yield
    except ClientError as error:
        raise CloudError(f"{where}: {_advice(error.response['Error'])} ({error}).") from error
    except NoCredentialsError as error:
        raise CloudError(
            f"{where}: there are no AWS credentials on the control node. Set AWS_PROFILE, or the variables of the "
            "environment, or run where an instance profile gives them."
        ) from error
    except NoRegionError as error:
        raise CloudError(f"{where}: no region is set. Set ansible_aws_run_command_region or AWS_REGION.") from error
    except BotoCoreError as error:
        raise CloudError(f"{where}: {error}. See that the control node reaches AWS, and its AWS settings.") from error


def _advice(error: Mapping[str, Any]) -> str:
    code, message = str(error.get("Code")), str(error.get("Message"))
    if code in _SIGNATURES:
        return _SKEWED if "expired" in message or "current" in message else _UNKNOWN
    return _ADVICE.get(code, "AWS refused it. See the message")
