# SPDX-License-Identifier: Apache-2.0
"""The service's own test."""

from __future__ import annotations

import unittest

import web


class GreetingTest(unittest.TestCase):
    """What an instance says of itself."""

    def test_it_says_whether_it_knows_the_cache(self) -> None:
        """Outside a deployment it does not."""
        self.assertIn("cache=False", web.greeting())  # noqa: PT009 - runs where pytest is not installed
