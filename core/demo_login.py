"""Logins for a first look. The backend is only configured while DEBUG is on."""

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.http import HttpRequest

DEMO_LOGINS = {"admin": {"is_staff": True, "is_superuser": True}}


class DemoLoginBackend(ModelBackend):
    """Lets each demo user in with its own name as the password.

    The user row has no usable password, so the login is gone as soon as DEBUG is off,
    and an account that somebody gave a real password is never opened this way.
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        if not settings.DEBUG or username not in DEMO_LOGINS or password != username:
            return None
        user, created = User.objects.get_or_create(username=username, defaults=DEMO_LOGINS[username])
        if created:
            user.set_unusable_password()
            user.save()
        return user if user.is_active and not user.has_usable_password() else None
