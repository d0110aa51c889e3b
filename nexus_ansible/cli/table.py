# SPDX-License-Identifier: Apache-2.0
"""Tables: drawn on a terminal, aligned plain lines in a pipe."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], bad: Sequence[bool] = ()) -> None:
    """Print rows under a title; rows marked `bad` are red on a terminal."""
    cells = [[_text(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _draw(title, columns, cells, bad)
        return
    widths = [max(len(row[index]) for row in [list(columns), *cells]) for index in range(len(columns))]
    for row in [list(columns), *cells]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)


def _draw(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], bad: Sequence[bool]) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold")
    for index, row in enumerate(rows):
        table.add_row(*map(escape, row), style="red" if index < len(bad) and bad[index] else "")
    Console().print(table)
