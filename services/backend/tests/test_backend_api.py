# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import unittest
import warnings
from concurrent.futures import ThreadPoolExecutor

import falcon.testing
import psycopg
import redis

from backend_servers import shared_urls
from nexus_backend.app import open_app
from nexus_backend.settings import Identity, Settings


class ApiTest(unittest.TestCase):
    def setUp(self) -> None:
        self.urls = shared_urls()
        self.database = self.enterContext(psycopg.connect(self.urls["DATABASE_URL"], autocommit=True))
        self.database.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        self.redis = self.enterContext(redis.Redis.from_url(self.urls["REDIS_URL"]))
        self.redis.flushall()
        self.client = self.open("backend-1")

    def open(self, instance: str) -> falcon.testing.TestClient:
        identity = Identity(instance, "r7", "testing")
        settings = Settings("127.0.0.1", 1, self.urls["DATABASE_URL"], self.urls["REDIS_URL"], identity)
        return falcon.testing.TestClient(self.enterContext(open_app(settings)))

    def rows(self) -> int:
        row = self.database.execute("SELECT count(*) FROM visits").fetchone()
        assert row is not None
        return int(row[0])

    def test_there_are_no_visits_at_first(self) -> None:
        answer = self.client.simulate_get("/api/visits")
        self.assertEqual(answer.status_code, 200)
        self.assertEqual((answer.json["count"], answer.json["source"]), (0, "database"))

    def test_a_visit_is_a_row_and_is_counted(self) -> None:
        answer = self.client.simulate_post("/api/visits")
        self.assertEqual(answer.status_code, 201)
        self.assertEqual(answer.json["count"], 1)
        self.assertEqual(self.database.execute("SELECT instance FROM visits").fetchall(), [("backend-1",)])

    def test_an_answer_says_which_instance_of_which_release_gave_it(self) -> None:
        identity = {"instance": "backend-1", "release": "r7", "environment": "testing"}
        self.assertEqual(self.client.simulate_get("/api/version").json, identity)
        for method in ("GET", "POST"):
            answer = self.client.simulate_request(method, "/api/visits").json
            self.assertEqual({key: answer[key] for key in identity}, identity)

    def test_the_second_reader_is_served_from_the_cache(self) -> None:
        self.client.simulate_post("/api/visits")
        self.database.execute("ALTER TABLE visit_totals RENAME TO out_of_reach")
        answer = self.client.simulate_get("/api/visits").json
        self.assertEqual((answer["count"], answer["source"], answer["cache"]), (1, "cache", "ok"))

    def test_a_cached_count_expires(self) -> None:
        self.client.simulate_post("/api/visits")
        self.assertGreater(self.redis.ttl("nexus:testing:visits"), 0)

    def test_a_late_replica_does_not_put_an_older_count_into_the_cache(self) -> None:
        self.client.simulate_post("/api/visits")
        self.redis.set("nexus:testing:visits", 10, ex=60)
        self.assertEqual(self.client.simulate_post("/api/visits").json["count"], 2)
        self.assertEqual(self.redis.get("nexus:testing:visits"), b"10")

    def test_a_repeated_idempotency_key_counts_once(self) -> None:
        first, again = (
            self.client.simulate_post("/api/visits", headers={"Idempotency-Key": "one"}),
            self.open("backend-2").simulate_post("/api/visits", headers={"Idempotency-Key": "one"}),
        )
        self.assertEqual((first.status_code, again.status_code), (201, 200))
        self.assertEqual((again.json["count"], self.rows()), (1, 1))

    def test_an_idempotency_key_that_is_too_long_is_refused(self) -> None:
        answer = self.client.simulate_post("/api/visits", headers={"Idempotency-Key": "k" * 201})
        self.assertEqual(answer.status_code, 400)
        self.assertIn("at most 200 characters", answer.text)
        self.assertEqual(self.client.simulate_get("/api/visits").json["count"], 0)

    def test_no_visit_is_lost_or_counted_twice_when_replicas_record_at_once(self) -> None:
        clients = [self.client, self.open("backend-2"), self.open("backend-3")]
        with ThreadPoolExecutor(12) as executor:
            answers = list(executor.map(lambda n: clients[n % 3].simulate_post("/api/visits"), range(150)))
        self.assertEqual({answer.status_code for answer in answers}, {201})
        self.assertEqual(max(answer.json["count"] for answer in answers), 150)
        self.assertEqual(self.rows(), 150)
        after = clients[1].simulate_get("/api/visits").json
        self.assertEqual((after["count"], after["source"]), (150, "cache"))

    def test_a_finished_visit_is_in_every_later_count(self) -> None:
        clients = [self.client, self.open("backend-2")]

        def visit_and_look(number: int) -> bool:
            recorded = clients[number % 2].simulate_post("/api/visits").json["count"]
            seen = clients[(number + 1) % 2].simulate_get("/api/visits").json["count"]
            return bool(seen >= recorded)

        with ThreadPoolExecutor(8) as executor:
            self.assertTrue(all(executor.map(visit_and_look, range(100))))

    def test_health_names_every_dependency(self) -> None:
        answer = self.client.simulate_get("/api/health")
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(answer.json["status"], "ok")
        self.assertEqual(answer.json["dependencies"], {"database": {"status": "ok"}, "cache": {"status": "ok"}})

    def test_metrics_count_and_time_requests_by_route(self) -> None:
        for _ in range(3):
            self.client.simulate_get("/api/visits")
        text = self.client.simulate_get("/metrics").text
        self.assertIn('http_requests_total{method="GET",route="/api/visits",status="200"} 3.0', text)
        self.assertIn('http_request_duration_seconds_count{method="GET",route="/api/visits"} 3.0', text)
        self.assertIn('nexus_instance_info{environment="testing",instance_name="backend-1",release="r7"} 1.0', text)
        self.assertIn("process_resident_memory_bytes", text)

    def test_what_clients_make_up_does_not_become_a_label(self) -> None:
        self.assertEqual(self.client.simulate_get("/api/made-up").status_code, 404)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the client's own doubts about the method
            self.assertEqual(self.client.simulate_request("MADEUP", "/api/visits").status_code, 400)
        text = self.client.simulate_get("/metrics").text
        self.assertNotIn("made-up", text)
        self.assertNotIn("MADEUP", text)
        self.assertIn('http_requests_total{method="GET",route="unmatched",status="404"} 1.0', text)
