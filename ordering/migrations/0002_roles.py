from django.apps import apps as installed_apps
from django.contrib.auth.management import create_permissions
from django.db import migrations

VIEW = [
    "view_orderconfirmation", "view_generationrun", "view_sku", "view_inventory", "view_pendingorder",
    "view_forecastrun", "view_forecastdetail", "view_monthlysales", "view_demandstats", "view_seasonalpattern",
    "view_stockoutpattern", "view_planningpolicy", "view_warehouse", "view_supplier", "view_shipment",
    "view_supplierleadtime",
]
BUY = [*VIEW, "change_orderconfirmation"]
MANAGE = [*BUY, "add_generationrun", "change_generationrun", "change_planningpolicy", "add_planningpolicy"]


def create_roles(apps, schema_editor):
    # The rows of permissions come after all migrations; the roles need them now.
    for label in ("suppliers", "ordering"):
        create_permissions(installed_apps.get_app_config(label), verbosity=0, using=schema_editor.connection.alias)
    for name, codenames in (("viewer", VIEW), ("buyer", BUY), ("manager", MANAGE)):
        role, _ = apps.get_model("auth", "Group").objects.get_or_create(name=name)
        role.permissions.set(apps.get_model("auth", "Permission").objects.filter(codename__in=codenames))


class Migration(migrations.Migration):
    dependencies = [
        ("ordering", "0001_initial"),
        ("suppliers", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(create_roles, migrations.RunPython.noop)]
