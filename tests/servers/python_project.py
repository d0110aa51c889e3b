# SPDX-License-Identifier: Apache-2.0
"""A small Python project with a pinned dependency that builds without any package index."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

BACKEND = '''\
"""A build backend that packs one module, and says in the wheel which build it was."""
import os, time, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "example-1.2.3-py3-none-any.whl"
    information = "example-1.2.3.dist-info"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        wheel.write("example.py")
        wheel.writestr(f"{information}/METADATA", "Metadata-Version: 2.1\\nName: example\\nVersion: 1.2.3\\n")
        tags = f"Generator: backend {time.time_ns()}\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        wheel.writestr(f"{information}/WHEEL", f"Wheel-Version: 1.0\\n{tags}")
        wheel.writestr(f"{information}/entry_points.txt", "[console_scripts]\\nexample = example:main\\n")
        wheel.writestr(f"{information}/RECORD", "")
    return name
'''

PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "example"
version = "1.2.3"
"""


def write_project(source: Path) -> Path:
    """Write the project `example` 1.2.3, which needs `pinned` 1.0, below `source`."""
    wheels = source / "wheels"
    wheels.mkdir(parents=True)
    wheel = wheels / "pinned-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("pinned.py", "VALUE = 42\n")
        archive.writestr("pinned-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: pinned\nVersion: 1.0\n")
        archive.writestr("pinned-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("pinned-1.0.dist-info/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock = f"--no-index\n--find-links wheels\npinned==1.0 --hash=sha256:{digest}\n"
    (source / "requirements.lock").write_text(lock, encoding="utf-8")
    (source / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (source / "backend.py").write_text(BACKEND, encoding="utf-8")
    (source / "example.py").write_text("import pinned\n\ndef main():\n    print(pinned.VALUE)\n", encoding="utf-8")
    return source
