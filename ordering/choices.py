from django.db import models


class Urgency(models.TextChoices):
    MUST_ORDER = "must_order", "Must order"
    SHOULD_ORDER = "should_order", "Should order"
    OPTIONAL = "optional", "Optional"
    SKIP = "skip", "Skip"
