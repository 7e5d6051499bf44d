"""Import a file of purchases, whatever its headers, as records that emissions are calculated from."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from django.db import transaction

from core.batch import batch_connection, refresh_table_statistics, with_retries
from core.errors import database_errors_explained
from core.seen_keys import SeenKeys
from core.tabular import RefusalFile
from core.upsert import upsert
from suppliers.models import Category, PurchaseImport, PurchaseRecord, PurchaseTotal, SupplierName
from suppliers.services.purchases.ahead import ahead
from suppliers.services.purchases.check import check_lines, settle_ids
from suppliers.services.purchases.known_names import KnownNames, known_categories, known_suppliers
from suppliers.services.purchases.lines import PLACE, Lines, TextLines, gather
from suppliers.services.purchases.mapping import ColumnMapping, find_places, load_mapping, save_mapping
from suppliers.services.purchases.register import begin_import
from suppliers.services.purchases.sources import open_source
from suppliers.services.purchases.totals import keep_totals

logger = logging.getLogger(__name__)

KEY = ("source_id", "record_id")


@dataclass
class PurchaseReport:
    """What became of a file's lines.

    Attributes
    ----------
    import_id : None where no line went in, so that nothing is kept of the file
    already_imported : the file went through before; the counts are of that time and nothing was written
    spend : of the records, by currency
    years : records by year
    new_names : supplier names that no earlier file had
    linked_names : those of them that are a supplier's name or code in another spelling
    """

    file: str
    import_id: int | None
    rows: int = 0
    accepted: int = 0
    refused: int = 0
    already_imported: bool = False
    spend: dict[str, float] = field(default_factory=dict)
    years: dict[int, int] = field(default_factory=dict)
    new_names: int = 0
    linked_names: int = 0
    new_categories: int = 0
    seconds: float = 0.0


def import_purchases(
    *,
    path: Path,
    mapping: ColumnMapping,
    refusals: RefusalFile,
    saved_mapping: str = "",
    save_as: str = "",
    credits_negative: bool = False,
    replaces: int | None = None,
    who: str = "",
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> PurchaseReport:
    """Import good lines, a transaction for some thousand; refused ones go to `refusals` with line, column and reason.

    The same file again adds nothing. An import that died is done again from the top: records are known by the
    file and their id, so that what it left is overwritten and not doubled.

    Parameters
    ----------
    saved_mapping, save_as
        A mapping that `mapping` goes on top of, and the name under which both together are kept.
    credits_negative
        A record of negative spend whose kind is not given is a credit; else it stays a purchase of negative spend,
        which the calculation reports.
    replaces
        An import that this file takes the place of, such as one whose lines were corrected.

    Raises
    ------
    FileRefused
        Before anything is written, if the file cannot be read or a field that records need has no column.
    WorkbenchError
        If a constant is no value, the file went in with another mapping, or the database refuses the work.
    """
    started = time.perf_counter()
    with database_errors_explained(), batch_connection(), open_source(path) as source:
        if saved_mapping:
            mapping = mapping.on_top_of(load_mapping(saved_mapping))
        constants, places = mapping.constant_values(), find_places(mapping, source.header, path.name)
        headers = {name: source.header[place] for name, place in places.items()}
        pieces = source.pieces(places)
        if save_as:
            save_mapping(save_as, mapping)
        used = {"columns": headers, "constants": dict(mapping.constants), "credits_negative": credits_negative}
        kept = begin_import(path=path, mapping=used, replaces=replaces, who=who)
        logger.info("import_purchases started import=%s again=%s", kept.pk, kept.complete)
        report = PurchaseReport(path.name, kept.pk, kept.rows, kept.accepted, kept.refused, kept.complete)
        if not kept.complete:
            checked = _check(path.name, headers, pieces, constants, credits_negative=credits_negative)
            _store(kept, checked, report, refusals, lambda read: on_progress(read, source.size))
        _add_totals(report)
    report.seconds = round(time.perf_counter() - started, 2)
    logger.info(
        "import_purchases done rows=%d refused=%d seconds=%.2f rows_per_second=%.0f",
        report.rows, report.refused, report.seconds, report.rows / max(report.seconds, 0.01),
    )  # fmt: skip
    return report


def _check(
    file: str,
    headers: Mapping[str, str],
    pieces: Iterator[TextLines],
    constants: Mapping[str, Any],
    *,
    credits_negative: bool,
) -> Iterator[tuple[Lines, int]]:
    """The file's lines, checked, and how far it is read. Asks nothing of the database."""
    seen = SeenKeys()
    for text in gather(pieces):
        lines = check_lines(Lines(file, headers, text), constants, credits_negative=credits_negative)
        yield settle_ids(lines, seen), text.read


def _store(
    kept: PurchaseImport,
    checked: Iterator[tuple[Lines, int]],
    report: PurchaseReport,
    refusals: RefusalFile,
    on_progress: Callable[[int], None],
) -> None:
    suppliers, categories = known_suppliers(), known_categories()
    report.rows = report.accepted = report.refused = 0
    with closing(ahead(checked)) as ready:
        for lines, read in ready:
            _write(_as_records(lines, kept, suppliers, categories))
            report.accepted += lines.rows.height
            report.refused += len(lines.refusals)
            refusals.add(sorted(lines.refusals, key=lambda refusal: refusal.line))
            on_progress(read)
    report.rows = report.accepted + report.refused
    report.new_names, report.linked_names, report.new_categories = suppliers.made, suppliers.linked, categories.made
    _finish(kept, report)


def _as_records(lines: Lines, kept: PurchaseImport, suppliers: KnownNames, categories: KnownNames) -> pl.DataFrame:
    rows = lines.rows
    known = [suppliers.ids_of(rows["supplier"]).alias("supplier_name_id")]
    if "product_category" in rows.columns:
        names = rows.select(pl.col("product_category").replace("", None)).to_series()
        known.append(categories.ids_of(names).alias("category_id"))
    place = pl.lit(kept.pk, dtype=pl.Int64).alias("source_id")
    records = rows.drop(PLACE, "supplier", "product_category", strict=False)
    return records.with_columns(place, pl.Series("line", lines.lines()), *known)


def _write(records: pl.DataFrame) -> None:
    updated = [name for name in records.columns if name not in KEY]

    def store() -> None:
        with transaction.atomic():
            upsert(PurchaseRecord, records, unique_fields=KEY, update_fields=updated, likely_new=True)

    with_retries(store)


def _finish(kept: PurchaseImport, report: PurchaseReport) -> None:
    """A file of which nothing went in is forgotten: its mapping was wrong, and it will come again with another."""
    if not report.accepted:
        kept.delete()
        report.import_id = None
        return
    kept.rows, kept.accepted, kept.refused = report.rows, report.accepted, report.refused
    kept.complete = True
    with transaction.atomic():
        keep_totals(kept)
        kept.save()
    refresh_table_statistics((PurchaseRecord, SupplierName, Category))


def _add_totals(report: PurchaseReport) -> None:
    for total in PurchaseTotal.objects.filter(source=report.import_id):
        report.years[total.year] = report.years.get(total.year, 0) + total.records
        report.spend[total.currency] = report.spend.get(total.currency, 0.0) + total.spend
