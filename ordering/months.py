"""Months: the one to plan next, and lists as people write them, `4,5,12`."""

import datetime as dt

from django.core.exceptions import ValidationError


def parse_months(text: str) -> list[int]:
    """The months 1..12 in the text; parts that are no month are left out."""
    numbers = (int(part) for part in text.split(",") if part.strip().isdecimal())
    return [number for number in numbers if 1 <= number <= 12]


def validate_months(text: str) -> None:
    if len(parse_months(text)) != len([part for part in text.split(",") if part.strip()]):
        raise ValidationError("Write month numbers from 1 to 12 with commas, such as 4,5,12.")


def next_month(today: dt.date) -> dt.date:
    return (today.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
