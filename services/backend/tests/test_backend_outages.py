# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import os
import signal
import unittest
from typing import TYPE_CHECKING

import falcon.testing
import psycopg
import redis

from backend_servers import Server, eventually, postgresql, redis_server
from nexus_backend.app import open_app
from nexus_backend.settings import Identity, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def paused(pids: list[int]) -> Iterator[None]:
    send_all(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        send_all(pids, signal.SIGCONT)


def send_all(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # a session of an earlier test may just be ending
            os.kill(pid, number)


servers: dict[str, tuple[str, Server]] = {}


def setUpModule() -> None:
    servers["database"] = unittest.enterModuleContext(postgresql())
    servers["redis"] = unittest.enterModuleContext(redis_server())


class OutageTest(unittest.TestCase):
    def setUp(self) -> None:
        self.database_url, self.database = servers["database"]
        self.redis_url, self.redis = servers["redis"]
        self.database.start()
        self.redis.start()
        with psycopg.connect(self.database_url) as conn:
            conn.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        with redis.Redis.from_url(self.redis_url) as client:
            client.flushall()

    def open(self) -> falcon.testing.TestClient:
        identity = Identity("backend-1", "r7", "testing")
        settings = Settings("127.0.0.1", 1, self.database_url, self.redis_url, identity)
        return falcon.testing.TestClient(self.enterContext(open_app(settings)))

    def restart(self, server: Server) -> None:
        server.stop()
        server.start()

    def assert_away(self, client: falcon.testing.TestClient, dependency: str, cause: str) -> None:
        answer = client.simulate_get("/api/health")
        self.assertEqual(answer.status_code, 503)
        states = {name: state["status"] for name, state in answer.json["dependencies"].items()}
        self.assertEqual(states, {"database": "ok", "cache": "ok"} | {dependency: "unavailable"})
        self.assertRegex(answer.json["dependencies"][dependency]["cause"], cause)
        self.assertNotIn("Traceback", answer.text)

    def test_a_restarted_database_costs_no_request(self) -> None:
        client = self.open()
        self.assertEqual(client.simulate_post("/api/visits").status_code, 201)
        self.restart(self.database)
        answer = client.simulate_post("/api/visits")
        self.assertEqual((answer.status_code, answer.json["count"]), (201, 2))

    def test_a_restarted_cache_costs_no_request_and_serves_no_old_count(self) -> None:
        client = self.open()
        client.simulate_post("/api/visits")
        self.restart(self.redis)
        answer = client.simulate_post("/api/visits")
        self.assertEqual((answer.json["count"], answer.json["cache"]), (2, "ok"))
        self.assertEqual(client.simulate_get("/api/visits").json["count"], 2)

    def test_without_the_database_health_names_the_cause_and_visits_are_refused(self) -> None:
        client = self.open()
        client.simulate_post("/api/visits")
        self.database.stop()
        self.assert_away(client, "database", "Connection refused")
        answer = client.simulate_post("/api/visits")
        self.assertEqual(answer.status_code, 503)
        self.assertEqual(answer.json["title"], "PostgreSQL is away")
        self.assertIn("retry-after", answer.headers)
        self.database.start()
        eventually(lambda: client.simulate_get("/api/health").status_code == 200, "healthy again")
        self.assertEqual(client.simulate_post("/api/visits").json["count"], 2)

    def test_a_database_that_hangs_is_told_within_a_bound(self) -> None:
        client = self.open()
        client.simulate_post("/api/visits")
        with psycopg.connect(self.database_url) as conn:
            backends = conn.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'backend-1'").fetchall()
        self.assertTrue(backends)
        self.enterContext(paused([pid for (pid,) in backends]))
        self.assert_away(client, "database", "no answer within")

    def test_without_the_cache_health_names_the_cause_and_visits_go_on(self) -> None:
        client = self.open()
        client.simulate_post("/api/visits")
        self.redis.stop()
        self.assert_away(client, "cache", "Connection refused")
        with self.assertLogs("nexus_backend.visits", "WARNING"):
            recorded = client.simulate_post("/api/visits")
            counted = client.simulate_get("/api/visits")
        self.assertEqual((recorded.status_code, recorded.json["cache"]), (201, "unavailable"))
        self.assertEqual((counted.json["count"], counted.json["source"]), (2, "database"))

    def test_a_backend_started_before_its_database_becomes_healthy_when_that_arrives(self) -> None:
        self.database.stop()
        client = self.open()
        self.assert_away(client, "database", "Connection refused")
        self.database.start()
        eventually(lambda: client.simulate_get("/api/health").status_code == 200, "healthy")
        self.assertEqual(client.simulate_post("/api/visits").json["count"], 1)
