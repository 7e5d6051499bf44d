"""Files that people upload: what is wrong with one is said in a sentence before anything reads it."""

import gzip
import mmap
import os
import re
import zipfile
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler

from core.tabular import BOMS, DAMAGE, FileRefused

MEGABYTE = 1024 * 1024
BLOCK = MEGABYTE
UNPACKED_LIMIT = 2048 * MEGABYTE
WORKBOOK_LIMIT = 50 * MEGABYTE
WORKBOOK_UNPACKED_LIMIT = 500 * MEGABYTE
WORKBOOK_MEMBERS = 10_000
# Sales figures pack 8 to 14 times and one row repeated for ever 400 times; small files may do what they like.
RATIO_LIMIT = 200
RATIO_FLOOR = 10 * MEGABYTE

GZIP, ZIP, OLD_OFFICE = b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
CSV_ENDINGS = (".csv", ".csv.gz")
ENCRYPTED = 0x1
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # Python unpacks the others without any limit


LONGEST_ENDING = 20


class LimitedUploadHandler(TemporaryFileUploadHandler):
    """Writes files to disk as they come in; past the limit the rest is read and dropped, so that we can answer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.received = 0

    def new_file(self, field_name: str, file_name: str, *args: Any, **kwargs: Any) -> None:
        """The ending becomes part of a temporary file's name; one that is too long for a disk is cut."""
        stem, ending = os.path.splitext(file_name)
        super().new_file(field_name, stem + ending[:LONGEST_ENDING], *args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        self.received += len(raw_data)
        if self.received > _limit():
            raise StopUpload(connection_reset=False)
        return super().receive_data_chunk(raw_data, start)


def check_size(size: int) -> None:
    if size > _limit():
        raise FileRefused(
            f"The files are larger than {_limit() // MEGABYTE:,} MB together. "
            "Pack the large ones with gzip (.csv.gz), or upload them one after the other."
        )


def store_data_files(files: "Iterable[UploadedFile[bytes]]", folder: Path, *, kinds: Collection[str]) -> list[Path]:
    """Copy CSV files into the folder, each named after one of the kinds, and check them there.

    Raises
    ------
    FileRefused
        For the first file that cannot be what its name says.
    """
    paths: list[Path] = []
    for file in files:
        path = folder / data_file_name(file.name or "", kinds)
        if path in paths:
            raise FileRefused(f"{path.name} was given twice. Choose it once.")
        with path.open("xb") as stream:
            stream.writelines(file.chunks())
        check_data_file(path)
        paths.append(path)
    return paths


def data_file_name(name: str, kinds: Collection[str]) -> str:
    """The name under which the file is stored: one of ours, so that no path can hide in it."""
    plain, shown = name.lower(), repr(name[:40])
    if not plain.endswith(CSV_ENDINGS):
        raise FileRefused(f"{shown} is not a CSV file. Save it as CSV (UTF-8), plain or packed with gzip (.csv.gz).")
    if plain.removesuffix(".gz").removesuffix(".csv") not in kinds:
        raise FileRefused(
            f"{shown} does not say what it holds. Name it {', '.join(kinds)}, with .csv or .csv.gz behind."
        )
    return plain


def check_data_file(path: Path) -> None:
    """Refuse what is no CSV file, and what would unpack to a flood.

    Raises
    ------
    FileRefused
        With what is wrong and what to do.
    """
    name = path.name
    with path.open("rb") as stream:
        start = stream.read(BLOCK)
    if path.suffix == ".gz":
        if not start.startswith(GZIP):
            raise FileRefused(f"{name} is not packed with gzip, though its name says so. Upload it as {path.stem}.")
        start = _unpack_and_count(path)
    elif start.startswith(GZIP):
        raise FileRefused(f"{name} is packed with gzip. Upload it as {name}.gz.")
    if start.startswith((ZIP, OLD_OFFICE)):
        raise FileRefused(f"{name} is an Excel or zip file with the name of a CSV file. Save it as CSV (UTF-8).")
    if b"\0" in start and start[:2] not in BOMS:
        raise FileRefused(f"{name} is a binary file and no text. Save it as CSV (UTF-8).")


def check_workbook(path: Path, *, name: str = "") -> None:
    """Refuse what is no plain XLSX workbook, and what would unpack to a flood.

    Parameters
    ----------
    name
        What the person calls the file, where it lies under another name.

    Raises
    ------
    FileRefused
        With what is wrong and what to do.
    """
    name = name or path.name
    if not name.lower().endswith(".xlsx"):
        raise FileRefused(f"{name} is not an XLSX file. Save it as an Excel workbook (.xlsx) without macros.")
    if path.stat().st_size > WORKBOOK_LIMIT:
        raise FileRefused(f"{name} is larger than {WORKBOOK_LIMIT // MEGABYTE} MB. Split it into several workbooks.")
    with path.open("rb") as stream:
        start = stream.read(4)
    if start == OLD_OFFICE:
        raise FileRefused(f"{name} has a password or the old .xls format. Save it as .xlsx without a password.")
    if start != ZIP:
        raise FileRefused(f"{name} is not an Excel workbook, though its name says so. Save it as .xlsx again.")
    if _count_members(path) > WORKBOOK_MEMBERS:
        raise FileRefused(f"{name} has more than {WORKBOOK_MEMBERS:,} parts. Copy the cells into a new workbook.")
    try:
        with zipfile.ZipFile(path) as archive:
            _check_parts(name, archive.namelist())
            _check_members(name, archive)
    except (*DAMAGE, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise FileRefused(f"{name} is damaged. Open it in a spreadsheet program and save it again.") from error


def _limit() -> int:
    limit: int = settings.UPLOAD_LIMIT_MB
    return limit * MEGABYTE


def _unpack_and_count(path: Path) -> bytes:
    """Unpack block by block, so that never more than one is in memory; return the first."""
    limit = min(UNPACKED_LIMIT, max(RATIO_FLOOR, RATIO_LIMIT * path.stat().st_size))
    try:
        with gzip.open(path) as stream:
            first = stream.read(BLOCK)
            size = len(first)
            while block := stream.read(BLOCK):
                size += len(block)
                if size > limit:
                    raise FileRefused(
                        f"{path.name} unpacks to more than {limit // MEGABYTE:,} MB, too much for its size. "
                        "Upload it unpacked, in parts."
                    )
    except DAMAGE as error:
        raise FileRefused(f"{path.name} is damaged or incomplete. Pack it again and upload it again.") from error
    return first


def _count_members(path: Path) -> int:
    """Counted in the raw bytes: to list a million members zipfile needs half a gigabyte."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return sum(1 for _ in re.finditer(rb"PK\x01\x02", content))


def _check_parts(name: str, parts: list[str]) -> None:
    if "[Content_Types].xml" not in parts:
        raise FileRefused(f"{name} is a zip file and no Excel workbook. Save it as .xlsx from a spreadsheet program.")
    if any(part.lower().endswith("vbaproject.bin") for part in parts):
        raise FileRefused(f"{name} holds macros. Save it as an Excel workbook (.xlsx) without macros.")


def _check_members(name: str, archive: zipfile.ZipFile) -> None:
    total = 0
    for member in archive.infolist():
        if member.flag_bits & ENCRYPTED:
            raise FileRefused(f"{name} has a password. Save it as .xlsx without one.")
        if member.compress_type not in METHODS:
            raise FileRefused(f"{name} is packed in a way that Excel does not use. Save it as .xlsx again.")
        room = min(WORKBOOK_UNPACKED_LIMIT - total, max(RATIO_FLOOR, RATIO_LIMIT * member.compress_size))
        total += _real_size(name, archive, member, room)


def _real_size(name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo, room: int) -> int:
    """Unpack a member block by block and count: what the archive says about its sizes may be a lie."""
    member.file_size = room + 2 * BLOCK  # where zipfile stops reading, so beyond where we do
    size = 0
    with archive.open(member) as stream:
        while block := stream.read(BLOCK):
            size += len(block)
            if size > room:
                raise FileRefused(
                    f"{name} unpacks to far more than a workbook of its size holds. Copy the cells into a new workbook."
                )
    return size
