from pathlib import Path

import pytest
from django.db import connection

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_modifyitems(config, items):
    """Tests of what only MySQL and MariaDB have are left to the run on those."""
    if connection.vendor == "mysql":
        return
    elsewhere = [item for item in items if item.get_closest_marker("mariadb")]
    config.hook.pytest_deselected(items=elsewhere)
    items[:] = [item for item in items if item not in elsewhere]


@pytest.fixture(autouse=True)
def _quick_and_plain(settings):
    """The test client speaks plain HTTP, and no test needs a password that is slow to guess."""
    settings.SECURE_SSL_REDIRECT = False
    plain_files = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain_files}
    settings.WHITENOISE_AUTOREFRESH = True  # files need not be collected first
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def retail_data() -> Path:
    """The real books of a distributor; they lie beside the checkout and are not part of it."""
    folder = SHARED_DATA / "retail"
    assert folder.is_dir(), f"The retail data are missing: put them in {folder}"
    return folder


@pytest.fixture(scope="session")
def emissions_data() -> Path:
    """Published factors, rates, footprints and purchases; they lie beside the checkout and are not part of it."""
    folder = SHARED_DATA / "emissions"
    assert folder.is_dir(), f"The emissions data are missing: put them in {folder}"
    return folder
