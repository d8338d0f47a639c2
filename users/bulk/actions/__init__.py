"""The bulk actions, one file each, in the order in which pages offer them."""

from users.bulk.action import offer
from users.bulk.actions.reinstate import Reinstate
from users.bulk.actions.suspend import Suspend

for action in (Suspend, Reinstate):
    offer(action())
