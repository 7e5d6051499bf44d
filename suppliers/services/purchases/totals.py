"""What was bought in each category, added up once a file."""

from django.db.models import Count, Sum

from suppliers.models import PurchaseImport, PurchaseRecord, PurchaseTotal

GROUP = ("category_id", "year", "currency")


def keep_totals(kept: PurchaseImport) -> None:
    """Add up an import's records in one statement, in place of what was added up before. Call it in a transaction."""
    PurchaseTotal.objects.filter(source=kept).delete()
    groups = PurchaseRecord.objects.filter(source=kept).order_by().values(*GROUP)
    PurchaseTotal.objects.bulk_create(
        PurchaseTotal(source=kept, **group | {"spend": group["spend"] or 0.0})
        for group in groups.annotate(records=Count("pk"), spend=Sum("spend"))
    )
