"""The viewer's own use of personal data in this hour."""

from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from users.meter.figures import figures_of_hour


@never_cache
@require_safe
def own_use(request):
    figures, reasons = figures_of_hour(request.user.pk)
    context = {"figures": figures, "reasons": reasons}
    return render(request, "users/me/use.html", context)
