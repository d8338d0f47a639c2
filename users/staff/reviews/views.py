"""The pages of access reviews: the list, a new one, one with its roles, a decision, the result."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from users import access, masking
from users.models import User
from users.staff.reviews.forms import ClosingForm, ItemForm, ReviewForm
from users.staff.reviews.item_decisions import close_review, decide_item
from users.staff.reviews.models import AccessReview, ReviewItem
from users.staff.reviews.opening import ACTION, UNUSED_DAYS, has_original_items, open_review
from users.staff.reviews.result import result_digest, result_file
from users.staff.staff_tabs import staff_tabs
from users.sudo.recent import require_sudo
from users.verbs.form_submission import submit_form
from users.web.error_page import error_page
from users.web.forms import form_page, form_status, posted_data
from users.web.paging import newest_page
from users.web.query_string import check_parameters, parse_id_parameter, refuse_bad_parameters

PATH = "/staff/reviews/"
SIZE = 50
CHANGED_OUTSIDE = "This review was changed outside Rollcall. Don’t rely on it."


@require_safe
def index(request) -> HttpResponse:
    require_reader(request.user)
    after = after_parameter(request, PATH)
    page = newest_page(AccessReview.objects.all(), SIZE, after)
    context = {
        "reviews": page.rows,
        "tabs": staff_tabs(request.user),
        "may_review": access.may(request.user, ACTION),
    }
    return render(request, "users/staff/reviews/index.html", context | page.links(PATH))


@form_page
def new(request) -> HttpResponse:
    require_reader(request.user)
    access.require(request.user, ACTION)
    # When the review ends, it may remove roles.
    require_sudo(request, "change_groups")
    form = ReviewForm(posted_data(request))
    review = submit_form(form, open_review, by=request.user)
    if review:
        messages.success(request, f"Review {review.name} opened.")
        return redirect("staff-review", review.pk)
    context = {"form": form}
    return render(request, "users/staff/reviews/new.html", context, status=form_status(form))


@require_safe
def show(request, pk: int) -> HttpResponse:
    return render_review(request, get_review(request, pk), ClosingForm())


def render_review(request, review: AccessReview, form: ClosingForm) -> HttpResponse:
    path = f"{PATH}{review.pk}/"
    after = after_parameter(request, path)
    page = newest_page(ReviewItem.objects.filter(review=review), SIZE, after)
    name_holders(page.rows, request.user)
    context = {
        "review": review,
        "items": page.rows,
        "form": form,
        "days": UNUSED_DAYS,
        "may_review": not review.closed_at and access.may(request.user, ACTION),
    }
    context |= page.links(path)
    return render(request, "users/staff/reviews/show.html", context, status=form_status(form))


@form_page
def item(request, pk: int, number: int) -> HttpResponse:
    """Decides about one role."""
    review = get_review(request, pk)
    access.require(request.user, ACTION)
    require_sudo(request, "change_groups")
    row = get_object_or_404(ReviewItem, review=review, pk=number)
    form = ItemForm(posted_data(request))
    if submit_form(form, decide_item, row, by=request.user):
        messages.success(request, f"Decision about {row.role_name} saved.")
        return redirect("staff-review", review.pk)
    name_holders([row], request.user)
    context = {
        "review": review,
        "item": row,
        "form": form,
        "days": UNUSED_DAYS,
    }
    return render(request, "users/staff/reviews/item.html", context, status=form_status(form))


@require_POST
def close(request, pk: int) -> HttpResponse:
    review = get_review(request, pk)
    access.require(request.user, ACTION)
    require_sudo(request, "change_groups")
    form = ClosingForm(request.POST)
    if submit_form(form, close_review, review, by=request.user):
        messages.success(request, f"Review {review.name} ended.")
        return redirect("staff-review", review.pk)
    return render_review(request, review, form)


@require_safe
def download(request, pk: int) -> HttpResponse:
    """Sends the decisions of a closed review if they are as they were when it ended."""
    review = get_review(request, pk)
    if not review.closed_at:
        raise Http404
    if result_digest(review) != review.sha256 or not has_original_items(review):
        return error_page(request, 409, CHANGED_OUTSIDE, back=f"{PATH}{review.pk}/")
    response = HttpResponse(result_file(review), content_type="application/jsonl")
    response["Content-Disposition"] = f'attachment; filename="review-{review.pk}.jsonl"'
    return response


def require_reader(viewer: Any) -> None:
    access.require(viewer, "view_roles")
    access.require(viewer, "view")


def after_parameter(request, back: str) -> int:
    with refuse_bad_parameters(back=back):
        check_parameters(request.GET, "after")
        return parse_id_parameter("after", request.GET.get("after", ""))


def get_review(request, pk: int) -> AccessReview:
    """Returns a review. Raises Denied or Http404."""
    require_reader(request.user)
    return get_object_or_404(AccessReview, pk=pk)


def name_holders(items: list[ReviewItem], viewer: Any) -> None:
    """Adds to each item its account, as the viewer may see it."""
    found = User.objects.filter(pk__in={item.account_id for item in items})
    people = {each.pk: each for each in masking.mask_accounts(list(found), viewer)}
    for row in items:
        row.account = people.get(row.account_id)  # type: ignore[attr-defined]
