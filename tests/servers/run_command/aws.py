# SPDX-License-Identifier: Apache-2.0
"""AWS: moto, and in front of it what moto lacks.

moto records commands and runs none, and accepts any signature. The edge runs the recorded command in a container, as
the agent does, and answers for it as the API's description in botocore has it (`data/ssm/2014-11-06`): what a command
wrote is cut after 24,000 and 8,000 characters. It refuses what is signed for another time, or with an expired token.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import http.client
import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.servers.docker import Container
from tests.servers.ports import free_port
from tests.servers.process import accepts, running
from tests.servers.run_command.agent import Script, begin
from tests.servers.run_command.edge import Reply, Request, json_reply, serving

REGION = "eu-central-1"
BUCKET = "run-command"
AMI = "ami-12c6146b"
STDOUT_LIMIT = 24_000
STDERR_LIMIT = 8_000
SKEW_ALLOWED_S = 300
EXPIRED_TOKEN = "expired-token"
KIND = "application/x-amz-json-1.1"
TARGET = "AmazonSSM."


@dataclass
class Aws:
    """A running cloud: what reaches it, and what it has recorded."""

    machine: Container
    moto: int
    port: int = 0
    instance: str = ""
    scripts: dict[str, Script] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    offline: bool = False
    holds_back: threading.Event | None = None
    """The next answer to a command that was sent is held back until this is set."""

    @property
    def environment(self) -> dict[str, str]:
        """What the AWS chain and its clients read."""
        return {
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_SESSION_TOKEN": "token",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    @property
    def variables(self) -> dict[str, str]:
        """What the inventory says of the machine."""
        return {
            "ansible_connection": "nexus.automation.aws_run_command",
            "ansible_aws_run_command_instance": self.instance,
            "ansible_aws_run_command_bucket": BUCKET,
            "ansible_aws_run_command_region": REGION,
        }

    def objects(self) -> list[str]:
        """What is in the bucket."""
        listed = self._client("s3").list_objects_v2(Bucket=BUCKET)
        return [entry["Key"] for entry in listed.get("Contents", [])]

    def overwrite(self, name: str, content: bytes) -> None:
        """Put something else where an object is."""
        self._client("s3").put_object(Bucket=BUCKET, Key=name, Body=content)

    def commands(self) -> list[str]:
        """Commands that the cloud still counts: it has no limit."""
        return []

    def records(self) -> str:
        """Everything that those who may read the history of commands see."""
        invocations = [self._invocation(command, script) for command, script in self.scripts.items()]
        return json.dumps([self.sent, invocations])

    def prepare(self) -> None:
        """Make the bucket and the instance."""
        self._client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        reserved = self._client("ec2").run_instances(ImageId=AMI, MinCount=1, MaxCount=1)
        self.instance = reserved["Instances"][0]["InstanceId"]

    def answer(self, request: Request) -> Reply:
        """Refuse, answer for commands, or pass on to moto."""
        action = request.headers.get("X-Amz-Target", "")
        if refused := _refusal(request):
            code, message = refused
            return _error(code, message) if action else _s3_error(code, message)
        answers = {
            "SendCommand": self._send,
            "GetCommandInvocation": self._get,
            "CancelCommand": self._cancel,
            "ListCommandInvocations": self._list,
        }
        known = answers.get(action.removeprefix(TARGET)) if action.startswith(TARGET) else None
        return known(request) if known else self._moto(request)

    def _send(self, request: Request) -> Reply:
        wanted = json.loads(request.body)
        if wanted["InstanceIds"] != [self.instance]:
            return _error("InvalidInstanceId", f"Instances {wanted['InstanceIds']} not in a valid state for account")
        reply = self._moto(request)
        command = json.loads(reply.body)["Command"]["CommandId"]
        parameters = wanted["Parameters"]
        self.sent.append(request.body.decode())
        if not self.offline:
            script = "\n".join(parameters["commands"])
            limit_s = int(parameters["executionTimeout"][0])
            self.scripts[command] = begin(self.machine, script, {}, limit_s, "Execution Timed Out", group=True)
        held, self.holds_back = self.holds_back, None
        if held:
            held.wait()
        return reply

    def _get(self, request: Request) -> Reply:
        command = json.loads(request.body)["CommandId"]
        if self.offline:
            return json_reply(200, self._delivered_too_late(command), KIND)
        if command not in self.scripts:
            return _error("InvocationDoesNotExist", "")
        return json_reply(200, self._invocation(command, self.scripts[command]), KIND)

    def _cancel(self, request: Request) -> Reply:
        if script := self.scripts.get(json.loads(request.body)["CommandId"]):
            script.end("Cancelled", group=True)
        return json_reply(200, {}, KIND)

    def _list(self, _request: Request) -> Reply:
        found = [self._invocation(command, script) for command, script in self.scripts.items()]
        return json_reply(200, {"CommandInvocations": found}, KIND)

    def _invocation(self, command: str, script: Script) -> dict[str, Any]:
        known = {"CommandId": command, "InstanceId": self.instance, "DocumentName": "AWS-RunShellScript"}
        if not script.ended.is_set():
            return {**known, "Status": "InProgress", "StatusDetails": "InProgress", "ResponseCode": -1} | _written(
                "", ""
            )
        details = script.fault or ("Failed" if script.exit_code else "Success")
        status = {"Execution Timed Out": "TimedOut"}.get(details, details)
        stdout, stderr = (stream.decode("utf-8", "replace") for stream in (script.stdout, script.stderr))
        return {
            **known,
            "Status": status,
            "StatusDetails": details,
            "ResponseCode": -1 if script.fault else script.exit_code,
            **_written(stdout, stderr),
        }

    def _delivered_too_late(self, command: str) -> dict[str, Any]:
        status = {"Status": "TimedOut", "StatusDetails": "Delivery Timed Out", "ResponseCode": -1}
        return {"CommandId": command, "InstanceId": self.instance, **status, **_written("", "")}

    def _moto(self, request: Request) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.moto, timeout=60)
        try:
            headers = {name: value for name, value in request.headers.items() if name.lower() != "expect"}
            connection.request(request.method, request.target, request.body, headers)
            answer = connection.getresponse()
            dropped = {"content-length", "transfer-encoding", "connection", "server"}
            kept = {name: value for name, value in answer.getheaders() if name.lower() not in dropped}
            return Reply(answer.status, answer.read(), kept)
        finally:
            connection.close()

    def _client(self, service: str) -> Any:
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=f"http://127.0.0.1:{self.moto}",
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            config=Config(s3={"addressing_style": "path"}),
        )


@contextlib.contextmanager
def start_aws(machine: Container, directory: Path) -> Iterator[Aws]:
    """Run a cloud with one instance, the container `machine`, which shares this machine's network."""
    port = free_port()
    program = str(Path(sys.executable).with_name("moto_server"))
    with running([program, "-H", "127.0.0.1", "-p", str(port)], lambda: accepts(port), directory / "moto.log"):
        cloud = Aws(machine, port)
        cloud.prepare()
        with serving(cloud.answer) as edge:
            cloud.port = edge
            yield cloud


def _written(stdout: str, stderr: str) -> dict[str, str]:
    return {"StandardOutputContent": stdout[:STDOUT_LIMIT], "StandardErrorContent": stderr[:STDERR_LIMIT]}


def _refusal(request: Request) -> tuple[str, str] | None:
    """(code, message) for what AWS would not accept; a signed address has in its query what is else in headers."""
    given = request.headers.get("X-Amz-Date") or request.query.get("X-Amz-Date", "")
    token = request.headers.get("X-Amz-Security-Token") or request.query.get("X-Amz-Security-Token")
    code = "AccessDenied" if "X-Amz-Date" in request.query else "RequestTimeTooSkewed"
    signed = dt.datetime.strptime(given, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    age_s = (dt.datetime.now(dt.UTC) - signed).total_seconds()
    if not -SKEW_ALLOWED_S < age_s < int(request.query.get("X-Amz-Expires", SKEW_ALLOWED_S)):
        return code, "Signature expired: the request's time and the current time differ too much."
    if token == EXPIRED_TOKEN:
        return "ExpiredToken", "The provided token has expired."
    return None


def _error(code: str, message: str) -> Reply:
    known = {"RequestTimeTooSkewed": "InvalidSignatureException", "ExpiredToken": "ExpiredTokenException"}
    return json_reply(400, {"__type": known.get(code, code), "message": message}, KIND)


def _s3_error(code: str, message: str) -> Reply:
    status = 400 if code == "ExpiredToken" else 403
    body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Reply(status, body.encode(), {"Content-Type": "application/xml"})
