# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
import unittest
from html.parser import HTMLParser
from importlib import resources

import falcon.testing

from frontend_servers import counting_backend, free_port
from nexus_frontend.app import open_app
from nexus_frontend.settings import Identity, Settings


class Outline(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"


class PagesTest(unittest.TestCase):
    def setUp(self) -> None:
        self.backend = self.enterContext(counting_backend())
        self.client = self.open(self.backend.url)

    def open(self, url: str, instance: str = "frontend-1") -> falcon.testing.TestClient:
        settings = Settings("127.0.0.1", 1, url, Identity(instance, "r7", "testing"))
        return falcon.testing.TestClient(self.enterContext(open_app(settings)))

    def assert_away(self, client: falcon.testing.TestClient, cause: str) -> None:
        with self.assertLogs("nexus_frontend.app", "WARNING") as logs:
            answer = client.simulate_get("/")
        self.assertRegex(logs.output[0], cause)
        self.assertEqual(answer.status_code, 503)
        self.assertEqual(answer.headers["retry-after"], "5")
        self.assertIn("Back in a moment", answer.text)
        self.assertNotRegex(answer.text, cause)

    def test_a_page_view_is_one_visit_and_shows_the_count(self) -> None:
        for count in (1, 2, 3):
            answer = self.client.simulate_get("/")
            self.assertEqual(answer.status_code, 200)
            self.assertIn(("data", {"id": "visits", "value": str(count)}), Outline(answer.text).tags)
        self.assertEqual(len(self.backend.keys), 3)

    def test_the_page_names_what_served_it(self) -> None:
        text = Outline(self.client.simulate_get("/").text).text
        self.assertIn("testing", text)
        self.assertIn("Frontend frontend-1 release r7", text)
        self.assertIn("Backend backend-2 release r6", text)
        self.assertIn("Database PostgreSQL stored this visit", text)
        self.assertIn("Cache Redis holds the count", text)

    def test_a_cache_that_is_away_is_shown(self) -> None:
        self.backend.cache = "unavailable"
        answer = self.client.simulate_get("/")
        self.assertEqual(answer.status_code, 200)
        self.assertIn("Cache Redis away; counted in the database", Outline(answer.text).text)

    def test_a_large_count_is_readable_and_its_digits_are_kept(self) -> None:
        self.backend.answer = (
            200,
            '{"count": 1234567, "cache": "ok", "instance": "b", "release": "r", "environment": "e"}',
        )
        page = Outline(self.client.simulate_get("/").text)
        self.assertIn(("data", {"id": "visits", "value": "1234567"}), page.tags)
        self.assertIn("1,234,567", page.text)

    def test_whatever_an_instance_calls_itself_is_escaped(self) -> None:
        hostile = "<script>alert('\"&')</script>"
        self.backend.identity["instance"] = hostile
        self.backend.identity["release"] = hostile
        answer = self.open(self.backend.url, instance=hostile).simulate_get("/")
        page = Outline(answer.text)
        self.assertNotIn("script", [tag for tag, _ in page.tags])
        self.assertEqual(page.text.count(hostile), 4)

    def test_a_page_loads_only_its_own_files_and_they_exist(self) -> None:
        pages = [self.client.simulate_get("/").text, self.client.simulate_get("/nowhere").text]
        for page in pages:
            loaded = [
                path
                for tag, attributes in Outline(page).tags
                if tag != "a" and (path := attributes.get("href") or attributes.get("src"))
            ]
            self.assertTrue(loaded)
            for path in loaded:
                self.assertEqual(self.client.simulate_get(path).status_code, 200, path)

    def test_every_page_has_a_language_a_title_and_one_main_heading(self) -> None:
        self.backend.answer = None
        pages = [self.client.simulate_get("/").text, self.client.simulate_get("/nowhere").text]
        self.backend.answer = (503, "{}")
        with self.assertLogs("nexus_frontend.app"):
            pages.append(self.client.simulate_get("/").text)
        for page in pages:
            tags = Outline(page).tags
            names = [tag for tag, _ in tags]
            self.assertIn(("html", {"lang": "en"}), tags)
            self.assertEqual([names.count(tag) for tag in ("title", "h1", "main")], [1, 1, 1])
            self.assertTrue(all("alt" in attrs for tag, attrs in tags if tag == "img"))

    def test_every_answer_forbids_what_the_page_does_not_need(self) -> None:
        for path in ("/", "/health", "/nowhere", "/static/site.css"):
            headers = self.client.simulate_get(path).headers
            self.assertIn("default-src 'none'", headers["content-security-policy"])
            self.assertEqual(headers["x-content-type-options"], "nosniff")

    def test_a_backend_that_is_away_gives_a_friendly_page(self) -> None:
        self.assert_away(self.open(f"http://127.0.0.1:{free_port()}"), "Connection refused")

    def test_a_backend_whose_database_is_away_gives_the_same_page(self) -> None:
        self.backend.answer = (503, '{"title": "PostgreSQL is away"}')
        self.assert_away(self.client, "answered 503.*PostgreSQL is away")

    def test_an_answer_that_is_no_count_gives_the_same_page(self) -> None:
        for body in ("<html>proxy</html>", "[]", '{"count": 3}', "null"):
            self.backend.answer = (201, body)
            self.assert_away(self.client, "answered what is not a count")

    def test_a_request_that_was_lost_on_the_way_is_repeated_and_counted_once(self) -> None:
        self.backend.drop = 1
        answer = self.client.simulate_get("/")
        self.assertEqual(answer.status_code, 200)
        self.assertIn(("data", {"id": "visits", "value": "1"}), Outline(answer.text).tags)
        self.assertEqual((len(self.backend.keys), len(set(self.backend.keys))), (2, 1))

    def test_head_is_no_visit(self) -> None:
        self.assertEqual(self.client.simulate_head("/").status_code, 200)
        self.assertEqual(self.backend.keys, [])

    def test_health_does_not_ask_the_backend(self) -> None:
        answer = self.open(f"http://127.0.0.1:{free_port()}").simulate_get("/health")
        expected = {"status": "ok", "instance": "frontend-1", "release": "r7", "environment": "testing"}
        self.assertEqual((answer.status_code, answer.json), (200, expected))

    def test_a_static_file_has_a_type_and_is_not_sent_twice(self) -> None:
        answer = self.client.simulate_get("/static/site.css")
        self.assertEqual(answer.headers["content-type"], "text/css; charset=utf-8")
        self.assertEqual(answer.content, (resources.files("nexus_frontend") / "static" / "site.css").read_bytes())
        again = self.client.simulate_get("/static/site.css", headers={"If-None-Match": answer.headers["etag"]})
        self.assertEqual((again.status_code, again.content), (304, b""))

    def test_no_path_leads_out_of_the_static_files(self) -> None:
        for path in ("/static/../app.py", "/static/..%2Fapp.py", "/static/", "/static/missing.css"):
            self.assertEqual(self.client.simulate_get(path).status_code, 404, path)

    def test_metrics_count_and_time_requests_by_route(self) -> None:
        self.client.simulate_get("/")
        self.client.simulate_get("/static/site.css")
        self.client.simulate_get("/made-up")
        text = self.client.simulate_get("/metrics").text
        for route, status in {"/": 200, "/static/{name}": 200, "unmatched": 404}.items():
            self.assertIn(f'http_requests_total{{method="GET",route="{route}",status="{status}"}} 1.0', text)
            self.assertIn(f'http_request_duration_seconds_count{{method="GET",route="{route}"}} 1.0', text)
        self.assertIsNone(re.search("made-up", text))
