import pytest
from django.db import OperationalError

from core.errors import WorkbenchError, database_errors_explained


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OperationalError("attempt to write a readonly database"), "The database is read-only"),
        (
            OperationalError(1290, "The MariaDB server is running with the --read-only option"),
            "The database is read-only",
        ),
        (OperationalError("no such table: ordering_sku"), "Run `python manage.py migrate` first"),
        (OperationalError(1146, "Table 'x.ordering_sku' doesn't exist"), "Run `python manage.py migrate` first"),
        (OperationalError(2003, "Can't connect to MySQL server"), "Check DATABASE_URL"),
        (OperationalError(1142, "INSERT command denied to user"), "lacks a right"),
        (OperationalError("something new"), "The database refused the work: something new"),
    ],
)
def test_a_database_failure_is_told_as_a_sentence(error, sentence):
    with pytest.raises(WorkbenchError, match=sentence), database_errors_explained():
        raise error
