"""What the workers run for the workers' own sake."""

from django.utils import timezone

from users.jobs.models import WorkerBeat


def beat(cluster: str) -> None:
    """Shows that `cluster` takes and runs tasks: /readyz and the supervisor read it."""
    WorkerBeat.objects.update_or_create(cluster=cluster, defaults={"at": timezone.now()})
