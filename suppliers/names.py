"""When two spellings may be one supplier: the key by which names are compared and proposed as one."""

import re
import unicodedata

import polars as pl

KEY_LENGTH = 255

# Written with dots, slashes or apostrophes inside, as in S.p.A., A/S and McDonald's.
JOINED = re.compile(r"(?<=\b[^\W\d_])[./](?=[^\W\d_]\b)|['’`´]")

# What stands at the end of a name and says nothing about which company it is.
LEGAL_FORMS = (
    "ab", "ag", "aps", "as", "asa", "bhd", "bv", "cic", "cie", "co", "company", "corp", "corporation", "cv", "cvba",
    "cyf", "dac", "dd", "doo", "ev", "gbr", "gesmbh", "gmbh", "inc", "incorporated", "kft", "kg", "kgaa", "kk", "lda",
    "limited", "limitada", "llc", "llp", "lp", "ltd", "ltda", "mbh", "nv", "nyrt", "oao", "ohg", "ood", "ooo", "oy",
    "oyj", "plc", "pte", "pty", "pvt", "rt", "sa", "sa de cv", "sab de cv", "sarl", "sàrl", "sas", "sasu", "sau",
    "scrl", "sdn", "se", "sl", "slu", "snc", "sp j", "sp k", "sp z oo", "sp zoo", "spa", "spol s ro", "srl", "sro",
    "tbk", "ug", "unlimited", "vof", "zao", "zrt",
)  # fmt: skip
ENDING = re.compile(rf"(?: (?:{'|'.join(LEGAL_FORMS)}|and))+$")


class _Characters(dict[int, str | None]):
    """Letters, digits and the marks on them stay; what is not seen goes; all else becomes a space."""

    def __missing__(self, code: int) -> str | None:
        kind = unicodedata.category(chr(code))
        kept = None if kind == "Cf" else chr(code) if kind[0] in "LMN" else " "
        return self.setdefault(code, kept)


CHARACTERS = _Characters({ord("&"): " and ", ord("+"): " and "})


def name_key(name: str) -> str:
    """The name without regard to case, punctuation, repeated spaces and the legal form at its end; accents count.

    A name that is nothing but punctuation is its own key, so that it is never proposed as another one.

    >>> name_key("Levi Strauss & Co."), name_key("COSTAIN  LIMITED"), name_key("Lafarge S.A.")
    ('levi strauss', 'costain', 'lafarge')
    """
    folded = unicodedata.normalize("NFC", name.casefold())
    words = " ".join(JOINED.sub("", folded).translate(CHARACTERS).split())
    return (ENDING.sub("", words) or words or folded.strip())[:KEY_LENGTH]


def name_keys(names: pl.Series) -> pl.Series:
    """`name_key` of each; each different name is worked out once. Null stays null."""
    different = names.unique().drop_nulls()
    keys = pl.Series(map(name_key, different), dtype=pl.String)
    return names.replace_strict(different, keys, default=None, return_dtype=pl.String).alias("key")
