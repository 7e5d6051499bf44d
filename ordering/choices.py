from django.db import models


class Urgency(models.TextChoices):
    MUST_ORDER = "must_order", "Must order"
    SHOULD_ORDER = "should_order", "Should order"
    OPTIONAL = "optional", "Optional"
    SKIP = "skip", "Skip"


# What lists are sorted and filtered by; a line without urgency has 0.
NO_URGENCY_RANK = 0
URGENCY_RANKS: dict[str, int] = {Urgency.MUST_ORDER: 4, Urgency.SHOULD_ORDER: 3, Urgency.OPTIONAL: 2, Urgency.SKIP: 1}
URGENCY_OF_RANK = {rank: Urgency(name) for name, rank in URGENCY_RANKS.items()}
