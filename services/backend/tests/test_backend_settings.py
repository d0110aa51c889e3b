# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import unittest

from nexus_backend.settings import Identity, SettingsError, read_settings

COMPLETE = {
    "PORT": "8000",
    "DATABASE_URL": "postgresql://nexus:canary-1@127.0.0.1:5432/nexus",
    "REDIS_URL": "redis://:canary-2@127.0.0.1:6379/0",
}


class SettingsTest(unittest.TestCase):
    def test_a_complete_environment_is_read(self) -> None:
        named = {"NEXUS_INSTANCE": "backend-2", "NEXUS_RELEASE": "r7", "NEXUS_ENVIRONMENT": "staging", "HOST": "::1"}
        settings = read_settings(COMPLETE | named)
        self.assertEqual((settings.host, settings.port), ("::1", 8000))
        self.assertEqual(settings.database_url, COMPLETE["DATABASE_URL"])
        self.assertEqual(settings.redis_url, COMPLETE["REDIS_URL"])
        self.assertEqual(settings.identity, Identity("backend-2", "r7", "staging"))

    def test_what_is_optional_has_a_default_that_listens_on_loopback_only(self) -> None:
        settings = read_settings(COMPLETE)
        self.assertEqual(settings.host, "127.0.0.1")
        self.assertEqual(settings.identity, Identity("backend", "unreleased", "development"))

    def test_every_missing_variable_is_named_at_once(self) -> None:
        with self.assertRaises(SettingsError) as caught:
            read_settings({"REDIS_URL": ""})
        self.assertEqual(str(caught.exception), "PORT is not set.\nDATABASE_URL is not set.\nREDIS_URL is not set.")

    def test_an_unusable_value_is_refused_with_advice(self) -> None:
        unusable = {
            "PORT": ["0", "65536", "eighty", "-1", "٣"],
            "DATABASE_URL": ["mysql://127.0.0.1/nexus", "postgresql://[", "postgresql://h/d?no_such_option=1"],
            "REDIS_URL": ["http://127.0.0.1", "redis://127.0.0.1:port"],
        }
        for name, values in unusable.items():
            for value in values:
                with self.subTest(name=name, value=value), self.assertRaisesRegex(SettingsError, f"^{name} is not a "):
                    read_settings(COMPLETE | {name: value})

    def test_a_password_is_shown_neither_by_repr_nor_by_an_error(self) -> None:
        self.assertNotIn("canary", repr(read_settings(COMPLETE)))
        broken = {
            "DATABASE_URL": "postgresql://u:canary-1@[",
            "REDIS_URL": "redis://:canary-2@h:port",
            "PORT": "canary-3",
        }
        with self.assertRaises(SettingsError) as caught:
            read_settings(broken)
        self.assertNotIn("canary", str(caught.exception))
