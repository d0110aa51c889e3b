# SPDX-License-Identifier: Apache-2.0
"""Health checks against real servers."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.checks import CHECKS
from ansible_collections.nexus.automation.plugins.module_utils.checks.http import resolve_pointer
from ansible_collections.nexus.automation.plugins.module_utils.checks.postgresql_ready import judge_error
from ansible_collections.nexus.automation.plugins.module_utils.checks.run import (
    CheckResult,
    describe_unhealthy,
    run_checks,
)
from ansible_collections.nexus.automation.plugins.module_utils.checks.targets import (
    complete_parameters,
    read_targets,
)
from ansible_collections.nexus.automation.plugins.module_utils.errors import AdapterError
from ansible_collections.nexus.automation.plugins.module_utils.redis_client import connect_redis
from tests.servers.ec2 import REGION, VARIABLES, client, put_alarm, running_ec2
from tests.servers.embedded import postgresql_bin
from tests.servers.http import Answer, HttpServer, start_http
from tests.servers.ports import free_port
from tests.servers.postgresql import PostgresqlServer
from tests.servers.redis import RedisServer
from tests.servers.tls import CertificateAuthority


def _check(*targets: dict[str, Any], **settings: Any) -> list[CheckResult]:
    named = [{"name": f"target-{place}", **target} for place, target in enumerate(targets)]
    parameters = complete_parameters(named, **settings)
    return run_checks(read_targets(parameters), parameters["concurrency"])


def _check_one(**target: Any) -> CheckResult:
    return _check(target)[0]


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]


@pytest.fixture(scope="module")
def cloudwatch() -> Iterator[str]:
    """Where CloudWatch answers, which the environment tells with credentials."""
    with running_ec2() as endpoint, pytest.MonkeyPatch.context() as patch:
        for name, value in {**VARIABLES, "AWS_ENDPOINT_URL": endpoint}.items():
            patch.setenv(name, value)
        yield endpoint


def _put_alarm(cloudwatch: str, state: str, reason: str = "by a test") -> dict[str, Any]:
    """An alarm in a state, as a target."""
    name = f"errors-{state.lower()}"
    put_alarm(cloudwatch, REGION, name)
    client(cloudwatch, REGION, "cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason=reason)
    return {"kind": "cloudwatch_alarm", "alarm": name, "region": REGION}


def _healthy_targets(
    http: HttpServer, postgresql: PostgresqlServer, redis: RedisServer, cloudwatch: str
) -> dict[str, dict[str, Any]]:
    return {
        "cloudwatch_alarm": _put_alarm(cloudwatch, "OK"),
        "http": {"url": f"{http.url}/health"},
        "tcp": {"kind": "tcp", "port": http.port},
        "command": {"kind": "command", "command": ["true"]},
        "postgresql": {
            "service": "postgresql",
            "port": postgresql.port,
            "user": postgresql.user,
            "password": postgresql.password,
            "database": "postgres",
        },
        "postgresql_ready": {"kind": "postgresql_ready", "port": postgresql.port},
        "redis": {"service": "redis", "port": redis.port, "password": redis.password},
    }


@pytest.mark.parametrize("kind", CHECKS)
def test_a_server_that_runs_is_healthy(
    kind: str, http_server: HttpServer, postgresql: PostgresqlServer, redis: RedisServer, cloudwatch: str
) -> None:
    http_server.answers["/health"] = Answer()
    result = _check_one(**_healthy_targets(http_server, postgresql, redis, cloudwatch)[kind])
    assert (result.kind, result.healthy, result.error, result.tries) == (kind, True, None, 1)


@pytest.mark.parametrize("kind", ["http", "tcp", "postgresql", "postgresql_ready", "redis"])
def test_a_port_where_nothing_listens_is_unhealthy_and_named(kind: str) -> None:
    port = free_port()
    result = _check_one(kind=kind, port=port, user="nobody", database="none")
    assert not result.healthy
    assert "refused" in str(result.error).lower()
    assert str(port) in result.address


@pytest.mark.parametrize("kind", ["http", "postgresql_ready", "redis"])
def test_a_server_that_never_answers_costs_no_more_than_the_timeout(kind: str, silent_port: int) -> None:
    result = _check_one(kind=kind, port=silent_port, timeout=0.2)
    assert (result.healthy, result.error) == (False, "no answer within 0.2 s")


def test_postgresql_that_never_answers_is_given_up(silent_port: int) -> None:
    result = _check_one(kind="postgresql", port=silent_port, user="nobody", timeout=0.2)
    assert not result.healthy
    assert "timeout expired" in str(result.error)


def test_a_host_without_psycopg_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)  # how Python itself marks a module that cannot be imported
    result = _check_one(kind="postgresql", port=1)
    assert "Failed to import the required Python library (psycopg)" in str(result.error)
    assert "https://www.psycopg.org/psycopg3/" in str(result.error)


def test_a_slow_query_is_given_up(postgresql: PostgresqlServer) -> None:
    login = {"user": postgresql.user, "password": postgresql.password, "database": "postgres"}
    result = _check_one(kind="postgresql", port=postgresql.port, query="select pg_sleep(60)", timeout=0.5, **login)
    assert result.error == "canceling statement due to statement timeout"


def test_a_wrong_password_is_told_without_the_password(postgresql: PostgresqlServer, redis: RedisServer) -> None:
    login = {"user": postgresql.user, "password": "wrong-secret", "database": "postgres"}
    database = _check_one(kind="postgresql", port=postgresql.port, **login)
    cache = _check_one(kind="redis", port=redis.port, password="wrong-secret")
    assert "password authentication failed" in str(database.error)
    assert cache.error == "WRONGPASS invalid username-password pair or user is disabled."
    assert "wrong-secret" not in repr((database, cache))


def test_redis_without_its_password_is_unhealthy(redis: RedisServer) -> None:
    assert _check_one(kind="redis", port=redis.port).error == "NOAUTH Authentication required."


def test_pg_isready_works_as_a_command(postgresql: PostgresqlServer) -> None:
    command = [str(postgresql_bin() / "pg_isready"), "-h", "127.0.0.1", "-p", str(postgresql.port)]
    result = _check_one(service="postgresql", kind="command", command=command)
    assert (result.healthy, result.status) == (True, 0)
    assert "accepting connections" in result.detail


def test_postgresql_that_refuses_the_login_is_ready(postgresql: PostgresqlServer) -> None:
    result = _check_one(kind="postgresql_ready", port=postgresql.port, user="")
    assert (result.healthy, result.detail) == (True, "accepts connections")


def test_another_server_is_not_taken_for_postgresql() -> None:
    def greet(server: socket.socket) -> None:
        with server.accept()[0] as connection:
            connection.sendall(b"220 mail.example.com\r\n")
            connection.recv(100)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=greet, args=(server,))
        thread.start()
        result = _check_one(kind="postgresql_ready", port=server.getsockname()[1])
        thread.join()
    assert result.error == "does not speak PostgreSQL's protocol"


@pytest.mark.parametrize(
    ("state", "healthy", "detail"),
    [
        (b"C57P03\0Mthe database system is starting up\0\0", False, "the database system is starting up"),
        (b"C53300\0Mtoo many clients already\0\0", True, "accepts connections"),
    ],
)
def test_postgresql_that_tells_an_error_is_judged_by_its_code(state: bytes, healthy: bool, detail: str) -> None:
    answer = judge_error(b"SFATAL\0" + state)
    assert (answer.healthy, answer.detail) == (healthy, detail)


def test_an_alarm_that_is_raised_is_unhealthy_and_tells_why(cloudwatch: str) -> None:
    result = _check_one(**_put_alarm(cloudwatch, "ALARM", "5 errors\nwithin a minute"))
    assert not result.healthy
    assert result.error == "the alarm is raised: 5 errors within a minute"
    assert result.address == f"alarm errors-alarm of {REGION}"


def test_an_alarm_without_data_is_not_raised(cloudwatch: str) -> None:
    assert _check_one(**_put_alarm(cloudwatch, "INSUFFICIENT_DATA")).detail == "no data yet"


def test_an_alarm_that_does_not_exist_is_unhealthy(cloudwatch: str) -> None:
    result = _check_one(kind="cloudwatch_alarm", alarm="nobody-made-it", region=REGION)
    assert (result.healthy, result.error) == (False, "there is no such alarm")


def test_a_cloud_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**VARIABLES, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}.items():
        monkeypatch.setenv(name, value)
    result = _check_one(kind="cloudwatch_alarm", alarm="errors", region=REGION)
    assert not result.healthy
    assert result.error is not None
    assert result.error.startswith("CloudWatch does not tell: Could not connect")


def test_a_host_without_boto3_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(AdapterError, match=r"needs boto3: pip install 'nexus-ansible\[aws\]'"):
        _check_one(kind="cloudwatch_alarm", alarm="errors", region=REGION)


def test_an_alarm_needs_name_and_region() -> None:
    with pytest.raises(AdapterError, match="needs alarm and region"):
        _check_one(kind="cloudwatch_alarm")


def test_a_command_gets_its_environment_and_tells_what_it_wrote() -> None:
    result = _check_one(kind="command", command=["sh", "-c", "echo $WORD; exit 3"], environment={"WORD": "away"})
    assert (result.status, result.error) == (3, "return code 3 instead of 0: away")


def test_a_command_that_hangs_is_killed_with_its_children() -> None:
    result = _check_one(kind="command", command=["sh", "-c", "sleep 1000 & wait"], timeout=0.2)
    assert result.error == "no answer within 0.2 s"


def test_a_missing_program_is_unhealthy() -> None:
    result = _check_one(kind="command", command=["/no/such/program"])
    assert result.error == "cannot be run: No such file or directory"


def test_an_unexpected_status_shows_what_the_server_said(http_server: HttpServer) -> None:
    http_server.answers["/health"] = Answer(503, b'{"database":\n "away"}')
    result = _check_one(port=http_server.port)
    assert (result.status, result.error) == (503, 'HTTP 503 instead of 200: {"database": "away"}')


def test_a_redirect_is_an_answer_and_not_followed(http_server: HttpServer) -> None:
    http_server.answers["/"] = Answer(302, headers={"Location": "/elsewhere"})
    assert _check_one(service="proxy", port=http_server.port, statuses=[200, 302]).healthy
    assert http_server.requests == ["GET /"]


@pytest.mark.parametrize(
    ("body", "wanted", "error"),
    [
        (b"all is well", {"contains": "well"}, None),
        (b"all is ill", {"contains": "well"}, "the body lacks 'well': 'all is ill'"),
        (b'{"a": [1, {"b/c": true}]}', {"json_pointer": "/a/1/b~1c", "json_value": True}, None),
        (b'{"a": "down"}', {"json_pointer": "/a", "json_value": "up"}, '/a is "down" instead of "up"'),
        (b'{"a": 1}', {"json_pointer": "/b", "json_value": 1}, "the body has nothing at /b: '{\"a\": 1}'"),
        (b"<html>", {"json_pointer": "/b", "json_value": 1}, "the body is not JSON: '<html>'"),
    ],
)
def test_the_body_must_be_as_wanted(
    body: bytes, wanted: dict[str, Any], error: str | None, http_server: HttpServer
) -> None:
    http_server.answers["/health"] = Answer(body=body)
    assert _check_one(port=http_server.port, **wanted).error == error


@pytest.mark.parametrize(("pointer", "value"), [("", {"a": {"~x": [1, 2]}}), ("/a/~0x/1", 2), ("/a", {"~x": [1, 2]})])
def test_json_pointers_are_resolved_as_rfc_6901_says(pointer: str, value: object) -> None:
    assert resolve_pointer({"a": {"~x": [1, 2]}}, pointer) == value


def test_tls_is_verified_with_the_given_authority(certificate_authority: CertificateAuthority) -> None:
    with start_http({"/health": Answer()}, tls=certificate_authority.server_context()) as server:
        url = f"{server.url}/health"
        trusted, unknown, unverified = _check(
            {"url": url, "ca_file": str(certificate_authority.ca_file)},
            {"url": url},
            {"url": url, "verify_tls": False},
        )
    assert trusted.healthy
    assert unverified.healthy
    assert "certificate verify failed" in str(unknown.error).lower()


def test_a_target_that_recovers_is_healthy_after_that_many_tries(http_server: HttpServer) -> None:
    http_server.answers["/health"] = Answer(503)

    class Recovering(dict[str, Answer]):
        def get(self, path: str, default: Any = None) -> Any:
            if len(http_server.requests) >= 3:
                return Answer()
            return super().get(path, default)

    object.__setattr__(http_server, "answers", Recovering(http_server.answers))
    result = _check_one(port=http_server.port, retries=5, interval=0)
    assert (result.healthy, result.tries) == (True, 3)


def test_an_unhealthy_target_is_tried_as_often_as_asked(http_server: HttpServer) -> None:
    result = _check_one(port=http_server.port, retries=2, interval=0)
    assert (result.healthy, result.tries) == (False, 3)
    assert http_server.requests == ["GET /health"] * 3


def test_no_try_begins_after_the_patience_is_used_up(silent_port: int) -> None:
    result = _check_one(port=silent_port, timeout=0.2, retries=100, interval=0.1, patience=0.5)
    assert (result.healthy, result.error) == (False, "no answer within 0.2 s")
    assert result.tries <= 2


def test_patience_bounds_what_all_tries_take_together() -> None:
    (target,) = read_targets(
        complete_parameters([{"name": "a", "port": 1}], timeout=10, retries=60, interval=0.5, patience=30)
    )
    assert target.limit_s == 40


def test_results_come_in_the_order_of_the_targets_and_overlap_in_time(http_server: HttpServer) -> None:
    together = threading.Barrier(8)

    class Together(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            together.wait(timeout)
            return True

    http_server.answers["/health"] = Answer(hold=Together())
    results = _check(*({"port": http_server.port} for _ in range(8)), concurrency=8)
    assert [result.name for result in results] == [f"target-{place}" for place in range(8)]
    assert all(result.healthy for result in results)


def test_no_more_threads_than_targets_are_started(http_server: HttpServer) -> None:
    hold = threading.Event()
    http_server.answers["/health"] = Answer(hold=hold)
    before = threading.active_count()
    runner = threading.Thread(target=_check, args=({"port": http_server.port},))
    runner.start()
    while not http_server.requests:
        runner.join(0.01)
    assert threading.active_count() <= before + 3  # the caller, one worker, the server's own
    hold.set()
    runner.join()


def test_the_limit_for_all_targets_holds_whatever_a_server_does(silent_port: int) -> None:
    targets = read_targets(complete_parameters([{"name": "slow", "port": silent_port}]))
    results = run_checks(targets, limit_s=0.1)
    assert (results[0].error, results[0].tries) == ("no answer within the 0.1 s that all targets have together", 0)


def test_unhealthy_targets_are_described_one_a_line(http_server: HttpServer) -> None:
    http_server.answers["/health"] = Answer()
    port = free_port()
    results = _check(
        {"name": "good", "port": http_server.port},
        {"name": "bad", "kind": "tcp", "port": port, "retries": 1, "interval": 0},
    )
    assert describe_unhealthy(results) == (
        f"1 of 2 targets is unhealthy:\n  bad, tcp://127.0.0.1:{port}: connection refused (tried 2 times)"
    )
    assert describe_unhealthy(results[:1]) == ""


def test_no_targets_are_no_problem() -> None:
    assert _check() == []


def test_every_target_with_senseless_options_is_named() -> None:
    with pytest.raises(AdapterError) as caught:
        _check(
            {"name": "a"},
            {"name": "b", "kind": "tcp"},
            {"name": "c", "kind": "command", "command": []},
            {"name": "d", "url": "ftp://x"},
            {"name": "e", "port": 1, "timeout": 0},
            {"name": "f", "port": 1, "retries": -1},
            {"name": "g", "url": "https://x/", "ca_file": "/no/such/file"},
        )
    assert str(caught.value) == (
        "target a: an http target needs `url`, or `port`\n"
        "target b: a tcp target needs `port`\n"
        "target c: a command target needs `command`\n"
        "target d: url 'ftp://x' is none: it must begin with http:// or https:// and a host\n"
        "target e: timeout 0 makes no sense\n"
        "target f: retries -1 makes no sense\n"
        "target g: ca_file /no/such/file cannot be read: [Errno 2] No such file or directory"
    )


def test_redis_replies_of_every_type_are_understood(redis: RedisServer) -> None:
    with connect_redis("127.0.0.1", redis.port, 5, redis.password, None) as connection:
        assert connection.call("SET", "checks:ü", "two\r\nlines") == "OK"
        assert connection.call("MGET", "checks:ü", "checks:none") == ["two\r\nlines", None]
        assert connection.call("STRLEN", "checks:ü") == 10
        with pytest.raises(AdapterError, match="unknown command"):
            connection.call("NOSUCH")


def test_a_server_that_is_no_redis_says_so(http_server: HttpServer) -> None:
    result = _check_one(kind="redis", port=http_server.port)
    assert not result.healthy
    assert "not Redis's protocol" in str(result.error) or "no Redis server" in str(result.error)
