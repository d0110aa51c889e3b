# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import http.client
import signal
import socket
import unittest
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import psycopg

from backend_servers import LIMIT, backend, eventually, free_port, is_healthy, request, shared_urls

if TYPE_CHECKING:
    import subprocess


def refuses(port: int) -> bool:
    """Tell whether nobody listens, without leaving a connection behind if somebody does."""
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    return False


class Visitor:
    """A client that records visits without a pause until it is refused a connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.recorded = 0

    def visit(self) -> None:
        while self._visit_once():
            self.recorded += 1

    def _visit_once(self) -> bool:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=LIMIT)) as connection:
            try:
                connection.connect()
            except ConnectionRefusedError:
                return False
            connection.request("POST", "/api/visits")
            response = connection.getresponse()
            response.read()
            if response.status != http.HTTPStatus.CREATED:
                raise AssertionError(response.status)
            return True


class ProcessTest(unittest.TestCase):
    def setUp(self) -> None:
        self.urls = shared_urls()
        self.database = self.enterContext(psycopg.connect(self.urls["DATABASE_URL"], autocommit=True))
        self.database.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")

    def launch(self, instance: str) -> tuple[int, subprocess.Popen[str]]:
        port = free_port()
        process = self.enterContext(backend({"PORT": str(port), "NEXUS_INSTANCE": instance, **self.urls}))
        return port, process

    def start(self) -> tuple[int, subprocess.Popen[str]]:
        port, process = self.launch("backend-1")
        eventually(partial(is_healthy, port), "the backend is healthy")
        return port, process

    def rows(self) -> int:
        row = self.database.execute("SELECT count(*) FROM visits").fetchone()
        assert row is not None
        return int(row[0])

    def test_three_replicas_that_start_at_once_create_the_schema_once(self) -> None:
        replicas = [self.launch(f"backend-{number}") for number in (1, 2, 3)]
        for port, _ in replicas:
            eventually(partial(is_healthy, port), "all three are healthy")
        self.assertEqual([request(port, "POST", "/api/visits")[1]["count"] for port, _ in replicas], [1, 2, 3])
        self.assertEqual(self.database.execute("SELECT version FROM schema_version").fetchall(), [(1,)])
        for _, process in replicas:
            process.terminate()
            self.assertNotIn("error connecting", process.communicate(timeout=LIMIT)[1])

    def test_after_sigterm_what_is_in_flight_is_finished_kept_connections_close_and_none_is_accepted(self) -> None:
        port, process = self.start()
        kept = self.enterContext(contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)))
        self.assertFalse(self.told_to_close(kept))
        with ThreadPoolExecutor(1) as executor:
            with self.database.transaction():
                self.database.execute("LOCK TABLE visit_totals IN EXCLUSIVE MODE")
                answer = executor.submit(request, port, "POST", "/api/visits")
                eventually(self.someone_waits, "the request waits for the lock")
                process.send_signal(signal.SIGTERM)
                eventually(partial(self.told_to_close, kept), "an answer says that the connection closes")
                eventually(partial(refuses, port), "no new connection is accepted")
                self.assertFalse(answer.done())
            self.assertEqual(answer.result(LIMIT)[0], http.HTTPStatus.CREATED)
        _, errors = process.communicate(timeout=LIMIT)
        self.assertEqual(process.returncode, 0)
        self.assertNotIn("Traceback", errors)
        self.assertNotIn("Warning", errors)

    def someone_waits(self) -> bool:
        waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'visit_totals'::regclass)"
        return self.database.execute(waiting).fetchone() == (True,)

    def test_sigterm_under_load_answers_every_connection_that_was_accepted(self) -> None:
        port, process = self.start()
        visitors = [Visitor(port) for _ in range(16)]
        with ThreadPoolExecutor(len(visitors)) as executor:
            visits = [executor.submit(visitor.visit) for visitor in visitors]
            eventually(lambda: sum(visitor.recorded for visitor in visitors) > 100, "the load is steady")
            process.send_signal(signal.SIGTERM)
            for visit in visits:
                visit.result(LIMIT)
        self.assertEqual(process.wait(LIMIT), 0)
        self.assertEqual(self.rows(), sum(visitor.recorded for visitor in visitors))

    def told_to_close(self, connection: http.client.HTTPConnection) -> bool:
        connection.request("GET", "/api/version")
        response = connection.getresponse()
        response.read()
        self.assertEqual(response.status, http.HTTPStatus.OK)
        return response.will_close

    def test_an_unusable_environment_ends_with_code_2_and_one_line_for_each_problem(self) -> None:
        with backend({"PORT": "http", "REDIS_URL": self.urls["REDIS_URL"]}) as process:
            _, errors = process.communicate(timeout=LIMIT)
        self.assertEqual(process.returncode, 2)
        expected = "PORT is not a TCP port: give a number from 1 to 65535.\nDATABASE_URL is not set.\n"
        self.assertEqual(errors, expected)
