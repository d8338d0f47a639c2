"""Runs the operations of a Bulk request.

Consecutive operations of one kind are stored together, a hundred in a transaction, which takes a
fraction of the time. Only operations without a conflict, which succeed whatever happens to the
others, are stored together. Each other one runs alone in its turn, and so do all operations of a
transaction that fails, for example because another request has taken a name. The answers are the
same as if each operation ran after the one before.
"""

from collections.abc import Iterator
from functools import partial
from itertools import groupby
from typing import Any

from scim2_models import BulkOperation, SCIMException
from scim2_server.bulk import BulkPlan, BulkStep
from scim2_server.conditions import Conditions
from scim2_server.handler import ScimHandler
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.routing import Operation

from users.models import User
from users.scim.bulk_deactivation import conflict_free_deactivations, store_deactivations
from users.scim.creation import conflict_free_creations, store_new_users
from users.scim.groups import patch_members
from users.scim.member_patch import read_member_delta
from users.scim.resources import account_version
from users.scim.storage import ProvisionedStorage

WINDOW_SIZE = 100
# By method: a function that returns the accounts of the operations that can be stored together, by
# position, and one that stores these and returns whether it could.
BATCHES = {
    BulkOperation.Method.post: (conflict_free_creations, store_new_users),
    BulkOperation.Method.patch: (conflict_free_deactivations, store_deactivations),
}
STATUSES = {BulkOperation.Method.post: 201, BulkOperation.Method.patch: 200}


class ProvisioningHandler(ScimHandler):
    """A ScimHandler that stores operations of a Bulk request together, and changes the members of a
    group without reading all of them.
    """

    storage: ProvisionedStorage
    # Whether the request asks for attributes, so that the answer to a PATCH has the members.
    has_parameters = False

    def handle(self, request: ScimRequest) -> ScimResponse:
        self.has_parameters = bool(request.query)
        return super().handle(request)

    def patch_resource(
        self, resource_type: Any, resource_id: str, patch_op: Any, conditions: Conditions
    ) -> Any:
        delta = None
        if resource_type.name == "Group" and not self.has_parameters:
            delta = read_member_delta(patch_op)
        if delta is None:
            return super().patch_resource(resource_type, resource_id, patch_op, conditions)
        check = partial(self.service.check_preconditions, method="PATCH", conditions=conditions)
        return patch_members(self.storage.source, resource_id, delta, check)

    def bulk(self, request: ScimRequest) -> ScimResponse:
        with self.service.provider:
            self.service.route(request, Operation.bulk)
            plan = self.service.read_bulk(request.body, request.header("Content-Type"))
            BulkRun(self, request, plan).run_all()
            return self.service.bulk_response(plan)


class BulkRun:
    """The operations of one request, of which each is run once or not at all."""

    def __init__(self, handler: ProvisioningHandler, request: ScimRequest, plan: BulkPlan) -> None:
        self.handler = handler
        self.request = request
        self.plan = plan

    def run_all(self) -> None:
        """Runs the operations until there are more errors than the client accepts."""
        for window in self.windows():
            self.run_window(window)
            if self.plan.stopped:
                return

    def windows(self) -> Iterator[list[BulkStep]]:
        """Yields the operations in their order, in groups that have one method."""
        for _, steps in groupby(self.plan.steps, key=self.method):
            alike = list(steps)
            for start in range(0, len(alike), WINDOW_SIZE):
                yield alike[start : start + WINDOW_SIZE]

    def method(self, step: BulkStep) -> Any:
        return self.plan.operation(step).method

    def run_window(self, window: list[BulkStep]) -> None:
        accounts = self.conflict_free_accounts(window)
        found = set(accounts)
        has_run_alone = False
        for is_conflict_free, steps in groupby(window, key=lambda step: step.index in found):
            if self.plan.stopped:
                return
            batch = list(steps)
            if is_conflict_free and has_run_alone:
                # An operation that has run alone may have taken a name.
                accounts = self.conflict_free_accounts(batch)
            if is_conflict_free and self.run_together(batch, accounts):
                continue
            has_run_alone = True
            self.run_one_by_one(batch)

    def run_one_by_one(self, steps: list[BulkStep]) -> None:
        for step in steps:
            if self.plan.stopped:
                return
            self.run_alone(step)

    def conflict_free_accounts(self, window: list[BulkStep]) -> dict[int, User]:
        """Returns the accounts of the operations that can be stored together, by position."""
        functions = BATCHES.get(self.method(window[0]))
        if functions is None or len(window) == 1:
            return {}
        operations = {step.index: self.user_operation(step) for step in window}
        valid = {index: each for index, each in operations.items() if each is not None}
        find_conflict_free, _ = functions
        return find_conflict_free(self.handler.storage.source, valid)

    def user_operation(self, step: BulkStep) -> Any:
        """Returns an operation on a user with its references resolved; None for one that would
        fail before it reaches the storage, and for one on anything else.
        """
        service = self.handler.service
        operation = self.plan.operation(step)
        if operation.response is not None or not operation.path:
            return None
        try:
            resource_type = service.route_bulk_operation(operation)
            operation = self.plan.resolve(step)
            service.authorize_bulk_operation(self.request, operation, resource_type)
        except SCIMException:
            return None
        if resource_type is None or resource_type.name != "User":
            return None
        return operation

    def run_together(self, steps: list[BulkStep], accounts: dict[int, User]) -> bool:
        """Stores the accounts of these operations. Returns False if nothing was stored."""
        if len(steps) == 1 or any(step.index not in accounts for step in steps):
            return False
        _, store = BATCHES[self.method(steps[0])]
        if not store(self.handler.storage.source, [accounts[step.index] for step in steps]):
            return False
        for step in steps:
            self.record_success(step, accounts[step.index])
        return True

    def record_success(self, step: BulkStep, account: User) -> None:
        service = self.handler.service
        operation = self.plan.operation(step)
        resource_type = service.resource_type_at("Users")
        resource_id = str(account.pk)
        resource = service.get_model(resource_type).model_construct(id=resource_id)
        result = service.bulk_outcome(self.request.base_url, operation)
        result["status"] = STATUSES[self.method(step)]
        result["location"] = service.resource_location(
            self.request.base_url, resource_type, resource_id
        )
        result["version"] = account_version(account)
        self.plan.record(step, result, resource)

    def run_alone(self, step: BulkStep) -> None:
        result, resource = self.handler.run_bulk_step(self.request, self.plan, step)
        self.plan.record(step, result, resource)
