# SPDX-License-Identifier: Apache-2.0
"""Text files read and written as a whole."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TAIL_BYTES = 65_536


def read_text(path: Path) -> str | None:
    """Return the text of `path`, or None when there is no such file."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def write_text(path: Path, text: str, mode: int) -> None:
    """Replace `path` by `text` in one step, so that readers see the old or the new text, never a part."""
    # The dot keeps the unfinished file out of patterns such as `*.conf`.
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.chmod(mode)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink()
        raise


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Let one process at a time into the block for `directory`, which is created when missing."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def tail(path: Path, lines: int = 20) -> str:
    """Return the last `lines` lines of `path`; an empty text when it cannot be read."""
    try:
        with path.open("rb") as stream:
            stream.seek(0, os.SEEK_END)
            stream.seek(max(0, stream.tell() - TAIL_BYTES))
            content = stream.read()
    except OSError:
        return ""
    return "\n".join(content.decode("utf-8", errors="replace").splitlines()[-lines:])


def difference(path: Path, before: str | None, after: str | None) -> dict[str, str]:
    """Return what Ansible's `--diff` shows for a file; None is a file that does not exist."""
    return {
        "before": before or "",
        "after": after or "",
        "before_header": str(path) if before is not None else "(no file)",
        "after_header": str(path) if after is not None else "(no file)",
    }
