import os
import subprocess
import sys

import pytest
from django.contrib.auth.models import User

from core.demo_login import DemoLoginBackend
from core.settings import read_or_create_secret_key
from tests.scratch import ROOT


def manage(*arguments, **environment):
    quiet = {"DATABASE_URL": "sqlite://:memory:"}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=os.environ | quiet | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_defaults_are_safe_for_deployment():
    done = manage("check", "--deploy", "--fail-level", "WARNING", DEBUG="false", HTTPS="true")
    assert done.returncode == 0, done.stderr


def test_the_secret_key_is_made_once_and_only_its_owner_reads_it(tmp_path):
    path = tmp_path / "var" / "secret_key"
    key = read_or_create_secret_key(path)
    assert len(key) >= 50
    assert read_or_create_secret_key(path) == key
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.django_db
def test_the_demo_login_exists_in_debug_only(settings):
    login = DemoLoginBackend()
    settings.DEBUG = False
    assert login.authenticate(None, "admin", "admin") is None
    settings.DEBUG = True
    assert login.authenticate(None, "admin", "wrong") is None
    user = login.authenticate(None, "admin", "admin")
    assert user.is_superuser
    assert not user.has_usable_password()


@pytest.mark.django_db
def test_the_demo_login_never_opens_an_account_with_a_password_of_its_own(settings):
    settings.DEBUG = True
    User.objects.create_superuser("admin", password="a real one")
    assert DemoLoginBackend().authenticate(None, "admin", "admin") is None


def test_the_demo_backend_is_not_configured_outside_debug():
    code = "from django.conf import settings; print(settings.AUTHENTICATION_BACKENDS)"
    assert "demo" not in manage("shell", "--verbosity", "0", "--command", code, DEBUG="false").stdout
    assert "demo" in manage("shell", "--verbosity", "0", "--command", code, DEBUG="true").stdout


def test_migrations_are_up_to_date_with_the_models():
    done = manage("makemigrations", "--check", "--dry-run")
    assert done.returncode == 0, done.stdout
