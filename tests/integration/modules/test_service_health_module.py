# SPDX-License-Identifier: Apache-2.0
"""nexus.automation.service_health through ansible-playbook, every step twice."""

from __future__ import annotations

from pathlib import Path

from tests.servers.http import Answer, HttpServer
from tests.servers.playbook import run_tasks
from tests.servers.ports import free_port
from tests.servers.postgresql import PostgresqlServer
from tests.servers.redis import RedisServer

HEALTH = "nexus.automation.service_health"


def test_all_kinds_are_checked_in_one_task(
    tmp_path: Path, http_server: HttpServer, postgresql: PostgresqlServer, redis: RedisServer
) -> None:
    http_server.answers["/health"] = Answer(body=b'{"database": "ok"}')
    login = {"user": postgresql.user, "password": postgresql.password, "database": "postgres"}
    check = {
        HEALTH: {
            "targets": [
                {"name": "web", "port": http_server.port, "json_pointer": "/database", "json_value": "ok"},
                {"name": "port", "kind": "tcp", "port": http_server.port},
                {"name": "command", "kind": "command", "command": ["true"]},
                {"name": "database", "service": "postgresql", "port": postgresql.port, **login},
                {"name": "cache", "service": "redis", "port": redis.port, "password": redis.password},
            ],
        }
    }
    run = run_tasks(
        tmp_path,
        [
            {"name": "Check", **check},
            {"name": "Check again", **check},
            {"name": "Check in check mode", **check, "check_mode": True},
        ],
    )
    assert run.returncode == 0, run.output
    for name in ("Check", "Check again", "Check in check mode"):
        task = run.named(name)
        assert not task.changed
        assert task.result["healthy"] is True
        assert [result["kind"] for result in task.result["results"]] == [
            "http",
            "tcp",
            "command",
            "postgresql",
            "redis",
        ]
    assert postgresql.password not in run.output


def test_every_unhealthy_target_is_named_in_the_failure(tmp_path: Path, http_server: HttpServer) -> None:
    http_server.answers["/health"] = Answer(503, b"database away")
    closed = free_port()
    targets = [
        {"name": "backend-1", "port": http_server.port},
        {"name": "backend-2", "port": closed, "retries": 1, "interval": 0},
        {"name": "shell", "kind": "command", "command": ["true"]},
    ]
    run = run_tasks(
        tmp_path,
        [
            {"name": "Tolerate", HEALTH: {"targets": targets, "fail_on_unhealthy": False}},
            {"name": "Refuse", HEALTH: {"targets": targets}},
        ],
    )
    assert run.returncode == 2
    assert run.named("Tolerate").outcome == "ok"
    assert run.named("Tolerate").result["healthy"] is False
    assert run.named("Refuse").message == (
        "2 of 3 targets are unhealthy:\n"
        f"  backend-1, http://127.0.0.1:{http_server.port}/health: HTTP 503 instead of 200: database away\n"
        f"  backend-2, http://127.0.0.1:{closed}/health: connection refused (tried 2 times)"
    )
    assert len(run.named("Refuse").result["results"]) == 3


def test_two_hundred_targets_are_one_task(tmp_path: Path, http_server: HttpServer) -> None:
    http_server.answers["/health"] = Answer()
    targets = [{"name": f"web-{place}", "port": http_server.port} for place in range(200)]
    run = run_tasks(tmp_path, [{"name": "Check", HEALTH: {"targets": targets}}])
    assert run.returncode == 0, run.output
    assert len(run.named("Check").result["results"]) == 200
    assert http_server.requests == ["GET /health"] * 200


def test_no_targets_are_not_taken_for_healthy(tmp_path: Path) -> None:
    run = run_tasks(tmp_path, [{"name": "Check", HEALTH: {"targets": []}}])
    assert run.named("Check").message == "`targets` is empty, so nothing was checked. Give at least one target."
