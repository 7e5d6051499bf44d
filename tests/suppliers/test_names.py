import re
import unicodedata

import polars as pl
import pytest

from suppliers.names import KEY_LENGTH, LEGAL_FORMS, name_key, name_keys


@pytest.fixture(scope="module")
def railway_names(emissions_data):
    purchases = pl.read_csv(emissions_data / "networkrail_2017-01_2021-04.csv.gz", infer_schema=False)
    return purchases["Supplier Name"]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Costain Ltd", "costain"),
        ("  COSTAIN   LIMITED ", "costain"),
        ("L.B. Foster TEW Engineering Ltd.", "lb foster tew engineering"),
        ("EPS (UK) Ltd", "eps uk"),
        ("AMT-Sybex Ltd", "amt sybex"),
        ("McDonald's Corp", "mcdonalds"),
        ("Levi Strauss & Co.", "levi strauss"),
        ("Faithful + Gould", "faithful and gould"),
        ("Müller GmbH & Co. KG", "müller"),
        ("STRAßENBAU AG", "strassenbau"),
        ("Lafarge S.A.", "lafarge"),
        ("Barilla Holding S.p.A.", "barilla holding"),
        ("Novo Nordisk A/S", "novo nordisk"),
        ("YONYU Plastics (Shanghai) Co.,Ltd", "yonyu plastics shanghai"),
        ("GRUPO BIMBO S.A.B. de C.V.", "grupo bimbo"),
        ("Bar Sp. z o.o.", "bar"),
        ("BHP Pty Ltd", "bhp"),
        ("Darfon\xa0Electronics\xa0Corp", "darfon electronics"),
        ("Ti\u200bny Inc", "tiny"),
        ("हिन्दी Pvt Ltd", "हिन्दी"),
        ("株式会社 日立", "株式会社 日立"),
    ],
)
def test_case_punctuation_and_legal_form_do_not_count(name, key):
    assert name_key(name) == key


def test_accents_count_however_they_are_encoded():
    assert name_key("Nestlé SA") == name_key(unicodedata.normalize("NFD", "Nestlé SA")) == "nestlé"
    assert name_key("Nestlé") != name_key("Nestle")


@pytest.mark.parametrize(
    ("name", "key"), [("Limited", "limited"), ("Company", "company"), ("The Co", "the"), ("***", "***"), ("", "")]
)
def test_a_name_is_never_worn_away(name, key):
    assert name_key(name) == key


def test_a_legal_form_counts_where_it_does_not_stand_at_the_end():
    assert name_key("Vp Plc t/a Brandon Hire") == "vp plc ta brandon hire"
    assert name_key("SA Metals") == "sa metals"


def test_a_key_is_never_longer_than_its_column():
    assert len(name_key("ß" * 255)) == KEY_LENGTH


def test_a_column_of_names_has_the_keys_of_each_name(railway_names):
    keys = name_keys(railway_names)

    assert railway_names.drop_nulls().n_unique() == 2_266
    assert keys.to_list() == [name if name is None else name_key(name) for name in railway_names]
    assert keys.dtype == pl.String


def test_the_keys_of_a_railways_suppliers_are_what_a_plain_loop_finds(railway_names):
    """For these names, all of them in Latin script, the method can be said with less."""
    endings = {"and", *LEGAL_FORMS}
    for name in railway_names.unique().drop_nulls():
        text = re.sub(r"(?<=\b[a-z])[./](?=[a-z]\b)", "", name.casefold().replace("'", "").replace("’", ""))
        words = re.findall(r"[^\W_]+", re.sub("[&+]", " and ", text))
        while len(words) > 1 and words[-1] in endings:
            words.pop()
        assert name_key(name) == " ".join(words)


def test_spellings_of_one_supplier_share_a_key(railway_names):
    names = railway_names.unique().drop_nulls()
    groups = pl.DataFrame({"name": names, "key": name_keys(names)}).group_by("key").agg("name")
    spelled = {key: sorted(found) for key, found in groups.iter_rows() if len(found) > 1}

    assert len(spelled) == 37
    assert spelled["lb foster tew engineering"] == ["L.B. Foster TEW Engineering Ltd", "LB Foster TEW Engineering Ltd"]
    assert spelled["siemens mobility"] == ["Siemens Mobility Limited", "Siemens Mobility Ltd"]


def test_nothing_comes_of_no_names():
    assert name_keys(pl.Series([], dtype=pl.String)).to_list() == []
    assert name_keys(pl.Series([None, "A Ltd", None])).to_list() == [None, "a", None]
