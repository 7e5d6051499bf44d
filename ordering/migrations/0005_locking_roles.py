from django.apps import apps as installed_apps
from django.contrib.auth.management import create_permissions
from django.db import migrations

ROLES = {"buyer": ["lock_orderconfirmation"], "manager": ["lock_orderconfirmation", "unlock_orderconfirmation"]}


def extend_roles(apps, schema_editor):
    # The rows of permissions come after all migrations; the roles need them now.
    create_permissions(installed_apps.get_app_config("ordering"), verbosity=0, using=schema_editor.connection.alias)
    for name, codenames in ROLES.items():
        role = apps.get_model("auth", "Group").objects.get(name=name)
        role.permissions.add(*apps.get_model("auth", "Permission").objects.filter(codename__in=codenames))


class Migration(migrations.Migration):
    dependencies = [("ordering", "0004_workbench")]
    operations = [migrations.RunPython(extend_roles, migrations.RunPython.noop)]
