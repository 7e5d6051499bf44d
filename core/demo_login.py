"""Logins for a first look. The backend is only configured while DEBUG is on."""

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, User
from django.http import HttpRequest

DEMO_LOGINS = ("viewer", "buyer", "manager", "admin")


class DemoLoginBackend(ModelBackend):
    """Lets each demo user in with its own name as the password; each but admin has the role of that name.

    The user row has no usable password, so the login is gone as soon as DEBUG is off,
    and an account that somebody gave a real password is never opened this way.
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        if not settings.DEBUG or username not in DEMO_LOGINS or password != username:
            return None
        user = User.objects.filter(username=username).first() or self._create(username)
        return user if user.is_active and not user.has_usable_password() else None

    def _create(self, name: str) -> User:
        is_admin = name == "admin"
        user = User(username=name, is_staff=is_admin, is_superuser=is_admin)
        user.set_unusable_password()
        user.save()
        user.groups.set(Group.objects.filter(name=name))
        return user
