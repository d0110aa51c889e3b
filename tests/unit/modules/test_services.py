# SPDX-License-Identifier: Apache-2.0
"""Metrics of real services."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.checks import CHECKS
from ansible_collections.nexus.automation.plugins.module_utils.checks.targets import (
    complete_parameters,
    read_each,
)
from ansible_collections.nexus.automation.plugins.module_utils.errors import AdapterError
from ansible_collections.nexus.automation.plugins.module_utils.proxies.gates import gate_path, lay_gates
from ansible_collections.nexus.automation.plugins.module_utils.services import SERVICES
from ansible_collections.nexus.automation.plugins.module_utils.services.metrics import (
    Reading,
    make_source,
    process_samples,
    read_all,
)
from ansible_collections.nexus.automation.plugins.module_utils.services.prometheus_text import parse_metrics
from ansible_collections.nexus.automation.plugins.module_utils.services.redis import parse_info
from tests.servers.caddy import CaddyServer, start_caddy
from tests.servers.http import Answer, HttpServer, start_http
from tests.servers.ports import free_port
from tests.servers.postgresql import PostgresqlServer
from tests.servers.redis import RedisServer

PROMETHEUS = b"""\
# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{method="get",route="/a,b}"} 42
"""


@pytest.fixture
def web() -> Iterator[HttpServer]:
    with start_http({"/metrics": Answer(body=PROMETHEUS, headers={"Content-Type": "text/plain"})}) as server:
        yield server


def _read(*targets: dict[str, Any], **settings: Any) -> list[Reading]:
    named = [{"name": f"target-{place}", **target} for place, target in enumerate(targets)]
    parameters = complete_parameters(named, **settings)
    sources = read_each(parameters, lambda options: make_source(options, options["pids"]))
    return read_all(sources, parameters["concurrency"], parameters["limit"])


def _value(reading: Reading, metric: str, **labels: str) -> float:
    values = [sample.value for sample in reading.samples if sample.metric == metric and sample.labels == labels]
    assert len(values) == 1, f"{metric} {labels} in {reading}"
    return values[0]


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_tells_its_metrics(
    service: str, web: HttpServer, caddy: CaddyServer, postgresql: PostgresqlServer, redis: RedisServer
) -> None:
    login = {"user": postgresql.user, "password": postgresql.password, "database": "postgres"}
    targets: dict[str, dict[str, Any]] = {
        "web": {"port": web.port},
        "proxy": {"admin": caddy.admin},
        "postgresql": {"port": postgresql.port, **login},
        "redis": {"port": redis.port, "password": redis.password},
    }
    expected = {
        "web": "http_requests_total",
        "proxy": "caddy_config_last_reload_successful",
        "postgresql": "pg_stat_database_xact_commit",
        "redis": "redis_connected_clients",
    }
    [reading] = _read({"service": service, **targets[service]})
    assert reading.error is None
    assert expected[service] in {sample.metric for sample in reading.samples}
    assert all(math.isfinite(sample.value) for sample in reading.samples)


def test_postgresql_tells_size_connections_and_limits(postgresql: PostgresqlServer) -> None:
    login = {"user": postgresql.user, "password": postgresql.password, "database": "postgres"}
    [reading] = _read({"service": "postgresql", "port": postgresql.port, **login})
    assert _value(reading, "pg_database_size_bytes", datname="postgres") > 1_000_000
    assert _value(reading, "pg_stat_activity_count", state="active") >= 1
    assert _value(reading, "pg_settings_max_connections") == 50


def test_the_proxy_tells_what_each_upstream_works_on(tmp_path: Path) -> None:
    gate = gate_path(tmp_path / "gates", "backend-1")
    lay_gates([gate])
    with start_caddy(tmp_path, {"backend": [f"{{file.{gate}}}", "127.0.0.1:1"]}) as caddy:
        [reading] = _read({"service": "proxy", "admin": caddy.admin})
    for upstream in ("backend-1", "127.0.0.1:1"):
        assert _value(reading, "caddy_upstream_requests_in_flight", upstream=upstream) == 0


def test_json_metrics_are_flattened(http_server: HttpServer) -> None:
    body = b'{"queue": {"length": 3, "name": "jobs"}, "ready": true, "load": [1, 2]}'
    http_server.answers["/stats"] = Answer(body=body, headers={"Content-Type": "application/json"})
    [reading] = _read({"url": f"{http_server.url}/health", "metrics_path": "/stats"})
    assert {sample.metric: sample.value for sample in reading.samples} == {"queue.length": 3.0, "ready": 1.0}


def test_processes_of_a_target_are_measured(web: HttpServer) -> None:
    pid = os.getpid()
    [reading] = _read({"port": web.port, "pids": [pid]})
    assert _value(reading, "process_cpu_seconds_total", pid=str(pid)) > 0
    assert _value(reading, "process_resident_memory_bytes", pid=str(pid)) > 10_000_000


def test_a_process_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(AdapterError, match="there is no process 4194304"):
        process_samples([4_194_304])


def test_failures_are_told_target_by_target(web: HttpServer, http_server: HttpServer) -> None:
    port = free_port()
    good, refused, missing = _read({"port": web.port}, {"port": port}, {"port": http_server.port})
    assert good.error is None
    assert refused.error == f"http://127.0.0.1:{port}/metrics: connection refused"
    assert missing.error == f"http://127.0.0.1:{http_server.port}/metrics: HTTP 404 instead of 200"


def test_a_failure_is_tried_again_as_often_as_asked(http_server: HttpServer) -> None:
    _read({"port": http_server.port, "retries": 2, "interval": 0})
    assert http_server.requests == ["GET /metrics"] * 3


def test_the_limit_for_all_targets_holds(http_server: HttpServer) -> None:
    http_server.answers["/metrics"] = Answer(hold=threading.Event())
    [reading] = _read({"port": http_server.port}, limit=0.1)
    assert reading.error == "no answer within the 0.1 s that all targets have together"


def test_prometheus_text_is_parsed_as_its_documentation_says() -> None:
    text = """\
# HELP x A text.
http_requests_total{method="post",code="200"} 1027 1395066363000
msdos_file_access_time_seconds{path="C:\\\\DIR\\\\FILE.TXT",error="Cannot find file:\\n\\"FILE.TXT\\""} 1.458255915e9

metric_without_timestamp_and_labels 12.47
something_weird{problem="division by zero"} +Inf -3982045
rpc_duration_seconds{quantile="0.99"} NaN
with_trailing_comma{a="1",} -2
"""
    samples = [(sample.metric, sample.labels, sample.value) for sample in parse_metrics(text)]
    assert samples == [
        ("http_requests_total", {"method": "post", "code": "200"}, 1027.0),
        (
            "msdos_file_access_time_seconds",
            {"path": "C:\\DIR\\FILE.TXT", "error": 'Cannot find file:\n"FILE.TXT"'},
            1458255915.0,
        ),
        ("metric_without_timestamp_and_labels", {}, 12.47),
        ("with_trailing_comma", {"a": "1"}, -2.0),
    ]


@pytest.mark.parametrize("line", ["<html>", "metric", "metric one", '{a="b"} 1', 'metric{a="b} 1'])
def test_what_is_not_prometheus_text_is_named(line: str) -> None:
    with pytest.raises(AdapterError, match="line 2 of the metrics is not Prometheus's text format"):
        parse_metrics(f"good 1\n{line}\n")


def test_info_of_redis_is_parsed_with_its_databases() -> None:
    server = "# Server\r\nredis_version:6.2.5\r\nused_memory:1024\r\n"
    text = f"{server}# Keyspace\r\nerrorstat_ERR:count=3\r\ndb0:keys=7,expires=1,avg_ttl=0\r\n"
    samples = {(sample.metric, *sample.labels.values()): sample.value for sample in parse_info(text)}
    assert samples == {
        ("redis_used_memory",): 1024.0,
        ("redis_db_keys", "db0"): 7.0,
        ("redis_db_expires", "db0"): 1.0,
        ("redis_db_avg_ttl", "db0"): 0.0,
    }


def test_every_default_check_exists() -> None:
    for service in SERVICES.values():
        assert service.default_check["kind"] in CHECKS


def test_the_metrics_of_a_proxy_need_its_admin_address() -> None:
    with pytest.raises(AdapterError, match="target target-0: the metrics of a proxy need `admin`"):
        _read({"service": "proxy"})
