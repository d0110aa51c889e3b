# SPDX-License-Identifier: Apache-2.0
"""The APIs of EC2, CloudWatch and S3 at a free port: moto, which keeps what it is told in memory and starts nothing."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3

from tests.servers.ports import free_port
from tests.servers.waiting import wait_until

REGION = "eu-central-1"
PLATFORM = "nexus-production"
FILTER = {"tag:platform": PLATFORM}
SECRET = "nobody-may-see-this-of-aws"
VARIABLES = {"AWS_ACCESS_KEY_ID": "nexus", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_EC2_METADATA_DISABLED": "true"}
_IMAGE = "ami-12c6146b"
_STOP_LIMIT_S = 30


@contextlib.contextmanager
def running_ec2(address: str = "127.0.0.1") -> Iterator[str]:
    """Provide the URL of an empty cloud, which listens on `address`, until the block ends."""
    port = free_port()
    argv = [sys.executable, "-m", "moto.server", "-H", address, "-p", str(port)]
    server = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/"
    )
    url = f"http://{address}:{port}"
    try:
        wait_until(lambda: _answers(url), "moto answers")
        yield url
    finally:
        server.terminate()
        server.wait(_STOP_LIMIT_S)


def describe(endpoint: str, region: str, name: str, address: str, **tags: str) -> str:
    """Tell of a running machine in a region; return its id."""
    cloud = client(endpoint, region)
    told = {"Name": name, "platform": PLATFORM, **tags}
    started = cloud.run_instances(
        ImageId=_IMAGE,
        InstanceType="t3.small",
        MinCount=1,
        MaxCount=1,
        SubnetId=_subnet(cloud, address),
        PrivateIpAddress=address,
        TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in told.items()]}
        ],
    )
    identity: str = started["Instances"][0]["InstanceId"]
    return identity


def put_alarm(endpoint: str, region: str, name: str) -> None:
    """Have CloudWatch watch for errors of the platform; it has not seen any metric yet."""
    client(endpoint, region, "cloudwatch").put_metric_alarm(
        AlarmName=name,
        MetricName="Errors",
        Namespace=PLATFORM,
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )


def make_bucket(endpoint: str, region: str, name: str) -> None:
    """Make an empty bucket."""
    where = {"LocationConstraint": region}
    client(endpoint, region, "s3").create_bucket(Bucket=name, CreateBucketConfiguration=where)


def objects(endpoint: str, region: str, bucket: str) -> list[str]:
    """Names of what is in a bucket."""
    listed = client(endpoint, region, "s3").list_objects_v2(Bucket=bucket)
    return [entry["Key"] for entry in listed.get("Contents", ())]


def client(endpoint: str, region: str, service: str = "ec2") -> Any:
    """The vendor's own client of the cloud."""
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=VARIABLES["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=SECRET,
    )


def _subnet(cloud: Any, address: str) -> str:
    """The subnet of the network that an address is in; it is made for the first one."""
    block = ".".join([*address.split(".")[:2], "0.0/16"])
    found = cloud.describe_subnets(Filters=[{"Name": "cidr-block", "Values": [block]}])["Subnets"]
    if not found:
        network = cloud.create_vpc(CidrBlock=block)["Vpc"]["VpcId"]
        found = [cloud.create_subnet(VpcId=network, CidrBlock=block)["Subnet"]]
    identity: str = found[0]["SubnetId"]
    return identity


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/moto-api/", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
