# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import unittest

from nexus_frontend.settings import Identity, SettingsError, read_settings

COMPLETE = {"PORT": "8000", "BACKEND_URL": "http://127.0.0.1:8001/"}


class SettingsTest(unittest.TestCase):
    def test_a_complete_environment_is_read(self) -> None:
        named = {"NEXUS_INSTANCE": "frontend-2", "NEXUS_RELEASE": "r7", "NEXUS_ENVIRONMENT": "staging", "HOST": "::1"}
        settings = read_settings(COMPLETE | named)
        self.assertEqual((settings.host, settings.port), ("::1", 8000))
        self.assertEqual(settings.backend_url, "http://127.0.0.1:8001")
        self.assertEqual(settings.identity, Identity("frontend-2", "r7", "staging"))

    def test_what_is_optional_has_a_default_that_listens_on_loopback_only(self) -> None:
        settings = read_settings(COMPLETE)
        self.assertEqual(settings.host, "127.0.0.1")
        self.assertEqual(settings.identity, Identity("frontend", "unreleased", "development"))

    def test_every_missing_variable_is_named_at_once(self) -> None:
        with self.assertRaises(SettingsError) as caught:
            read_settings({"BACKEND_URL": ""})
        self.assertEqual(str(caught.exception), "PORT is not set.\nBACKEND_URL is not set.")

    def test_an_unusable_value_is_refused_with_advice(self) -> None:
        unusable = {
            "PORT": ["0", "65536", "eighty", "-1"],
            "BACKEND_URL": ["127.0.0.1:8001", "ftp://127.0.0.1", "http://", "http://[", "http://h/?a=b"],
        }
        for name, values in unusable.items():
            for value in values:
                with self.subTest(name=name, value=value), self.assertRaisesRegex(SettingsError, f"^{name} is not "):
                    read_settings(COMPLETE | {name: value})
