# SPDX-License-Identifier: Apache-2.0
"""`python -m nexus_frontend`: read the environment and serve until SIGTERM."""

from __future__ import annotations

import os
import sys

from nexus_frontend.app import open_app
from nexus_frontend.server import serve
from nexus_frontend.settings import SettingsError, read_settings


def main() -> None:
    """Serve; end with code 2 and every problem on stderr when the environment is not usable."""
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the command's own message
        sys.exit(2)
    serve(settings.host, settings.port, lambda: open_app(settings))


if __name__ == "__main__":
    main()
