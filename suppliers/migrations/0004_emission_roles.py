from django.apps import apps as installed_apps
from django.contrib.auth.management import create_permissions
from django.db import migrations

VIEW = [
    "view_emissionrun", "view_emissionresult", "view_emissionerror", "view_purchaserecord", "view_purchaseimport",
    "view_category", "view_suppliername", "view_factorset", "view_factor", "view_rateset", "view_rate",
    "view_productfootprint",
]
MANAGE = [*VIEW, "add_emissionrun", "change_emissionrun", "add_purchaseimport", "change_category", "change_suppliername"]


def extend_roles(apps, schema_editor):
    # The rows of permissions come after all migrations; the roles need them now.
    create_permissions(installed_apps.get_app_config("suppliers"), verbosity=0, using=schema_editor.connection.alias)
    for name, codenames in (("viewer", VIEW), ("buyer", VIEW), ("manager", MANAGE)):
        role = apps.get_model("auth", "Group").objects.get(name=name)
        permissions = apps.get_model("auth", "Permission").objects
        role.permissions.add(*permissions.filter(codename__in=codenames, content_type__app_label="suppliers"))


class Migration(migrations.Migration):
    dependencies = [("suppliers", "0003_emissions"), ("ordering", "0002_roles")]
    operations = [migrations.RunPython(extend_roles, migrations.RunPython.noop)]
