"""Removes a person's sessions, sign-in origins and counted sign-in failures.

Sign-in events stay for the figures of their days, without address, browser and device.
"""

from users.forgetting import Erasure, forgets
from users.sessions.sign_in_events import erase_sign_ins
from users.sessions.throttle import reset_failures


@forgets(order=70)
def erase_sign_in_traces(erasure: Erasure) -> None:
    """Ends all sessions, blanks IP addresses and user agents, and resets the throttle."""
    erase_sign_ins(erasure.account.pk)
    reset_failures(erasure.account)
