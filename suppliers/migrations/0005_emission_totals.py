from django.db import migrations, models

ID = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")
CASCADE, PROTECT = models.CASCADE, models.PROTECT


def total(**keys):
    return [
        ("id", ID.clone()),
        ("records", models.PositiveIntegerField(help_text="Results, unaccounted ones too")),
        ("supplier_specific_kgco2e", models.FloatField(null=True)),
        ("average_data_kgco2e", models.FloatField(null=True)),
        ("spend_based_kgco2e", models.FloatField(null=True)),
        *keys.items(),
    ]


def run(related_name, **options):
    return models.ForeignKey("suppliers.emissionrun", on_delete=CASCADE, related_name=related_name, **options)


def group(model, **options):
    return models.ForeignKey(
        f"suppliers.{model}", on_delete=PROTECT, related_name="+", db_index=False, db_constraint=False, **options
    )


def options(*constraints):
    return {"ordering": ("id",), "constraints": constraints}


class Migration(migrations.Migration):
    dependencies = [("suppliers", "0004_emission_roles")]
    operations = [
        migrations.CreateModel(
            "SupplierTotal",
            total(run=run("by_supplier", db_index=False), supplier_name=group("suppliername")),
            options(models.UniqueConstraint(fields=("run", "supplier_name"), name="supplier_total_once")),
        ),
        migrations.CreateModel(
            "CategoryTotal",
            total(run=run("by_category", db_index=False), category=group("category", null=True)),
            options(models.UniqueConstraint(fields=("run", "category"), name="category_total_once")),
        ),
        migrations.CreateModel(
            "PurchaseTotal",
            [
                ("id", ID.clone()),
                ("source", models.ForeignKey("suppliers.purchaseimport", on_delete=CASCADE, related_name="totals")),
                ("category", models.ForeignKey("suppliers.category", on_delete=PROTECT, null=True, related_name="+")),
                ("year", models.PositiveSmallIntegerField()),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("records", models.PositiveIntegerField()),
                ("spend", models.FloatField(help_text="[currency units]")),
            ],
            options(),
        ),
        migrations.CreateModel(
            "RunComparison",
            [
                ("id", ID.clone()),
                ("first", run("+")),
                ("second", run("+")),
                ("names_hash", models.CharField(max_length=64)),
                ("before", models.BigIntegerField(help_text="[kg CO2e]")),
                ("after", models.BigIntegerField(help_text="[kg CO2e]")),
                ("parts", models.JSONField(help_text="[kg CO2e] by part")),
                ("groups", models.JSONField(help_text="Those that changed most: owner, category and parts")),
            ],
            options(models.UniqueConstraint(fields=("first", "second"), name="run_comparison_once")),
        ),
        migrations.RemoveIndex("emissionresult", "emission_result_hot_spots"),
        migrations.AddIndex(
            "emissionresult",
            models.Index(
                fields=["run", "emissions_kgco2e", "id", "tier", "supplier_name", "category", "dqi"],
                name="emission_result_hot_spots",
            ),
        ),
    ]
