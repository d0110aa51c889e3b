# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import http
import signal
import unittest
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from frontend_servers import LIMIT, counting_backend, eventually, free_port, frontend, is_serving, request


class ProcessTest(unittest.TestCase):
    def test_a_page_in_flight_is_finished_after_sigterm(self) -> None:
        backend = self.enterContext(counting_backend())
        port = free_port()
        process = self.enterContext(frontend({"PORT": str(port), "BACKEND_URL": backend.url}))
        eventually(partial(is_serving, port), "the frontend serves")
        backend.gate.clear()
        with ThreadPoolExecutor(1) as executor:
            page = executor.submit(request, port, "GET", "/")
            eventually(lambda: bool(backend.keys), "the backend was asked")
            process.send_signal(signal.SIGTERM)
            eventually(lambda: not is_serving(port), "no new connection is accepted")
            self.assertFalse(page.done())
            backend.gate.set()
            status, text = page.result(LIMIT)
        self.assertEqual(status, http.HTTPStatus.OK)
        self.assertIn('<data id="visits" value="1">', text)
        _, errors = process.communicate(timeout=LIMIT)
        self.assertEqual(process.returncode, 0)
        self.assertNotIn("Traceback", errors)
        self.assertNotIn("Warning", errors)

    def test_an_unusable_environment_ends_with_code_2_and_one_line_for_each_problem(self) -> None:
        with frontend({"BACKEND_URL": "nowhere"}) as process:
            _, errors = process.communicate(timeout=LIMIT)
        self.assertEqual(process.returncode, 2)
        self.assertEqual(
            errors, "PORT is not set.\nBACKEND_URL is not the address of a backend: give http://HOST:PORT.\n"
        )
