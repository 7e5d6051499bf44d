import datetime as dt


class MonthConverter:
    """`2026-12` in a URL is the first day of that month."""

    regex = r"\d{4}-(?:0[1-9]|1[0-2])"

    def to_python(self, value: str) -> dt.date:
        return dt.date.fromisoformat(f"{value}-01")

    def to_url(self, value: dt.date) -> str:
        return value.isoformat()[:7]  # strftime leaves out leading zeros of the year
