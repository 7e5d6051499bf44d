import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from core.errors import WorkbenchError
from core.tabular import RefusalFile
from suppliers.models import Category
from suppliers.services.map_categories import (
    CategoryCodes,
    list_unmapped,
    load_category_codes,
    map_categories,
    write_category_codes,
)
from tests.builders import a_user
from tests.suppliers.test_find_duplicates import a_purchase

pytestmark = pytest.mark.django_db


def a_category(name="Track", **fields):
    return Category.objects.get_or_create(name=name, defaults=fields)[0]


def codes():
    return {
        name: (sector, factor)
        for name, sector, factor in Category.objects.values_list("name", "sector_code", "factor_code")
    }


@pytest.fixture
def load(tmp_path):
    """Load a table; answer the report and the refused rows."""

    def load(*rows, user=None):
        path, errors = tmp_path / "table.csv", tmp_path / "errors.csv"
        path.write_text("\n".join(rows) + "\n")
        with RefusalFile(errors) as refusals:
            report = load_category_codes(path=path, refusals=refusals, user=user)
        return report, errors.read_text().splitlines()[1:] if report.refused else []

    return load


def test_codes_are_stored_with_who_gave_them_and_when():
    track, signalling, ann = a_category("Track"), a_category("Signalling"), a_user(name="ann")

    changed = map_categories(
        codes={track.pk: CategoryCodes("331110"), signalling.pk: CategoryCodes("334290", "SIG")}, user=ann
    )

    track.refresh_from_db()
    assert changed == 2
    assert codes() == {"Track": ("331110", ""), "Signalling": ("334290", "SIG")}
    assert track.changed_by == ann
    assert track.changed_at is not None


def test_a_category_that_stays_the_same_keeps_who_mapped_it():
    ann, track = a_user(name="ann"), a_category()
    map_categories(codes={track.pk: CategoryCodes("331110", "T")}, user=ann)

    assert map_categories(codes={track.pk: CategoryCodes("331110", "T")}) == 0
    assert map_categories(codes={track.pk: CategoryCodes("331110")}) == 0
    track.refresh_from_db()
    assert (track.changed_by, track.factor_code) == (ann, "T")


def test_a_code_may_be_taken_away():
    track = a_category(sector_code="331110", factor_code="T")

    assert map_categories(codes={track.pk: CategoryCodes("", "")}) == 1
    assert codes() == {"Track": ("", "")}


@pytest.mark.parametrize("code", ["33111", "3311100", "33111a", "３３１１１０", "331110 ", "-"])
def test_a_code_that_is_none_is_refused_and_nothing_stored(code):
    good, bad = a_category("Track"), a_category("Signalling")

    with pytest.raises(WorkbenchError, match="is not a sector code of six digits"):
        map_categories(codes={good.pk: CategoryCodes("331110"), bad.pk: CategoryCodes(code)})
    assert codes() == {"Track": ("", ""), "Signalling": ("", "")}


def test_a_factor_code_has_an_end():
    with pytest.raises(WorkbenchError, match="at most 64 characters"):
        map_categories(codes={a_category().pk: CategoryCodes("", "x" * 65)})


def test_a_category_that_is_gone_is_said_so():
    with pytest.raises(WorkbenchError, match="There is no category with the number 999"):
        map_categories(codes={a_category().pk: CategoryCodes("331110"), 999: CategoryCodes("331110")})


def test_a_table_maps_good_rows_and_refuses_the_others(load):
    a_category("Track"), a_category("Signalling"), a_category("Plant", sector_code="333120")

    report, refused = load(
        "category,sector_code,factor_code",
        "Track,331110,",
        "Signalling,3342,",
        "track,331110,",
        "Plant,,excavator",
        "Track,331110,again",
        ",331110,",
    )

    assert (report.rows, report.accepted, report.changed, report.refused) == (6, 2, 2, 4)
    assert codes() == {"Track": ("331110", ""), "Signalling": ("", ""), "Plant": ("", "excavator")}
    assert refused == [
        "table.csv,3,sector_code,3342,is not a code of six digits",
        "table.csv,4,category,track,is a category that no purchase has",
        "table.csv,6,category,Track,stands on line 2 already",
        "table.csv,7,category,,is empty",
    ]


def test_a_table_without_factor_codes_leaves_them_alone(load):
    a_category("Track", factor_code="T")

    load("notes,sector_code,category", "x,331110,Track")

    assert codes() == {"Track": ("331110", "T")}


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("category,naics", "missing columns 'sector_code'"),
        ("category,sector_code,category", "more than one column 'category'"),
    ],
)
def test_a_table_without_its_columns_is_refused(load, header, sentence):
    with pytest.raises(WorkbenchError, match=sentence):
        load(header)


def test_the_table_that_is_written_can_be_loaded_again(load, tmp_path):
    for name in ("Track", "=cmd|'x'", "'quoted", "a,b", "-"):
        a_category(name)
    with (tmp_path / "out.csv").open("w", newline="") as stream:
        count = write_category_codes(stream)
    rows = [row.replace(",,", ",331110,X") for row in (tmp_path / "out.csv").read_text().splitlines()]

    report, refused = load(*rows)

    assert count == 5
    assert rows[0] == "category,sector_code,factor_code"
    assert "'=cmd|'x',331110,X" in rows
    assert (report.accepted, refused) == (5, [])
    assert set(codes().values()) == {("331110", "X")}


def test_categories_without_a_code_are_listed_by_spend():
    for name, spend, fields in (
        ("Track", 5, {}),
        ("Plant", 90, {}),
        ("Plant", 1, {"currency": "EUR"}),
        ("Plant", 1000, {"sector_code": "333120"}),
        ("Mapped", 99, {}),
    ):
        a_purchase(category=a_category(name, sector_code="331110" if name == "Mapped" else ""), spend=spend, **fields)

    found = list_unmapped()

    assert [(row.name, row.currency, row.records, row.spend) for row in found] == [
        ("Plant", "GBP", 1, 90),
        ("Track", "GBP", 1, 5),
        ("Plant", "EUR", 1, 1),
    ]
    assert len(list_unmapped(limit=1)) == 1


@pytest.fixture
def run(capsys, settings, tmp_path):
    settings.VAR_DIR = tmp_path / "var"

    def run(*arguments):
        code = 0
        try:
            call_command("map_categories", *map(str, arguments))
        except SystemExit as stop:
            code = stop.code
        return code, capsys.readouterr().out

    return run


def test_the_command_loads_a_table_and_lists_what_is_left(run, tmp_path):
    a_purchase(category=a_category("Track"), spend=7), a_purchase(category=a_category("Plant"), spend=1234.5)
    ann, path = a_user(name="ann"), tmp_path / "table.csv"
    path.write_text("category,sector_code\nTrack,331110\nTrak,331110\n")

    code, output = run(path, "--user", "ann", "--export", tmp_path / "all.csv")

    assert code == 3
    assert "table.csv: 1 of 2 rows are good, 1 categories changed." in output
    assert "No code: Plant, 1 records, 1,234.50 GBP\n" in output
    assert Category.objects.get(name="Track").changed_by == ann
    assert (tmp_path / "all.csv").read_text().splitlines() == [
        "category,sector_code,factor_code",
        "Plant,,",
        "Track,331110,",
    ]


def test_the_command_without_a_table_lists_only(run):
    assert run() == (0, "Every category has a code.\n")


def test_the_report_as_json_is_all_that_is_printed(run, tmp_path):
    a_purchase(category=a_category("Track"), spend=7)
    path = tmp_path / "table.csv"
    path.write_text("category,sector_code\nTrack,\n")

    code, output = run(path, "--json")

    report = json.loads(output)
    assert (code, report["file"]["accepted"], report["unmapped"][0]["name"]) == (0, 1, "Track")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["gone.csv"], "gone.csv cannot be opened"),
        (["table.csv", "--user", "nobody"], "There is no user 'nobody'"),
        (["--export", "no/such/folder.csv"], "cannot be written: No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_an_error_of_the_command(run, arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        run(*arguments)
