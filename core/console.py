"""What commands share when they talk to a terminal."""

import datetime as dt
import getpass
from argparse import ArgumentTypeError

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

console = Console(highlight=False)
progress_console = Console(stderr=True, highlight=False)


def progress_bar(unit: str, *, disable: bool = False) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
        console=progress_console,
        disable=disable,
    )


def parse_month(text: str) -> dt.date:
    """`2026-12` to its first day."""
    try:
        return dt.datetime.strptime(text, "%Y-%m").date()
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a month like 2026-12") from error


def parse_date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a date like 2026-12-31") from error


def command_line_user() -> str:
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):
        return "command line"
