"""Rollups: counts by day, counts of accounts by state, and how far each has been advanced."""

from django.db import models


class DailyCount(models.Model):
    """The value of one metric on one day in UTC."""

    metric = models.CharField(max_length=24)
    day = models.DateField()
    value = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["metric", "day"], name="daily_count_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.metric} on {self.day}: {self.value}"


class StateCount(models.Model):
    """The number of accounts in one state: by the stored status as of the position of the rollup,
    and by the state that follows from expired suspensions and end dates.
    """

    state = models.CharField(max_length=10, primary_key=True)
    stored = models.BigIntegerField(default=0)
    shown = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.state}: {self.shown}"


class RollupPosition(models.Model):
    """How far a rollup has been advanced: the last counted chain position or id, and the time up to
    which everything is counted.
    """

    name = models.CharField(max_length=16, primary_key=True)
    position = models.BigIntegerField(default=0)
    until = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name} up to {self.position}"
