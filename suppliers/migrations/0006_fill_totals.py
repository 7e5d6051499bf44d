from django.db import migrations
from django.db.models import Count, Q, Sum

TIERS = {"supplier_specific": 1, "average_data": 2, "spend_based": 3}
GROUPS = {"SupplierTotal": "supplier_name_id", "CategoryTotal": "category_id"}
ROWS_AT_ONCE = 1_000


def fill_totals(apps, schema_editor):
    """Of runs that ended and files that went through before there were totals; safe to repeat."""
    model = lambda name: apps.get_model("suppliers", name)
    sums = {f"{name}_kgco2e": Sum("emissions_kgco2e", filter=Q(tier=tier)) for name, tier in TIERS.items()}
    for run in model("EmissionRun").objects.filter(status="completed"):
        results = model("EmissionResult").objects.filter(run=run).order_by()
        for name, key in GROUPS.items():
            groups = results.values(key).annotate(records=Count("pk"), **sums)
            replace(model(name), {"run": run}, groups)
        errors = model("EmissionError").objects.filter(run=run).order_by().values_list("code").annotate(Count("pk"))
        unpriced = results.filter(emissions_kgco2e=None, spend_usd=None)
        run.totals |= {"errors": dict(errors), "without_dollars": unpriced.count()}
        run.save(update_fields=["totals"])
    for source in model("PurchaseImport").objects.filter(complete=True):
        records = model("PurchaseRecord").objects.filter(source=source).order_by()
        groups = records.values("category_id", "year", "currency").annotate(records=Count("pk"), spend=Sum("spend"))
        replace(
            model("PurchaseTotal"), {"source": source}, [group | {"spend": group["spend"] or 0} for group in groups]
        )


def replace(model, owner, groups):
    model.objects.filter(**owner).delete()
    model.objects.bulk_create((model(**owner, **group) for group in groups), batch_size=ROWS_AT_ONCE)


class Migration(migrations.Migration):
    dependencies = [("suppliers", "0005_emission_totals")]
    operations = [migrations.RunPython(fill_totals, migrations.RunPython.noop)]
