"""What follows from signing in."""

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.utils import timezone

from users.models import User


@receiver(user_logged_in)
def note_last_seen(sender: type, user: User, **_: object) -> None:
    """Soft: raises no version."""
    user.last_seen_at = timezone.now()
    User.objects.filter(pk=user.pk).update(last_seen_at=user.last_seen_at)
