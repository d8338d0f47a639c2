"""What decides whether a cached page may still be shown."""

from django.db import models


class Generation(models.Model):
    """How often something changed. Raised by triggers (users/database/triggers.py) in the transaction of the
    change, whoever makes it.

    A name has several rows, its lanes: a writer takes one that nobody holds, so writers never wait
    for each other. What counts is all numbers of a name together; none of them ever comes back,
    also not after a restored backup, because a number is at least the time of its change in
    microseconds.
    """

    name = models.CharField(max_length=20)
    lane = models.IntegerField(default=0)
    number = models.BigIntegerField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["name", "lane"], name="generation_lane_unique")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


class WebProcess(models.Model):
    """What a web process tells of itself every few seconds: how its pages were answered. Soft; old
    rows are dropped.
    """

    name = models.CharField(max_length=120, primary_key=True)
    at = models.DateTimeField()
    figures = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name
