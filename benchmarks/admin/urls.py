from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.urls import path

from benchmarks.admin.sites import stock, tuned


@login_required
def bare(request):
    """Returns the name of the viewer and nothing else."""
    return HttpResponse(f"Signed in as {request.user.get_username()}.", content_type="text/plain")


urlpatterns = [path("admin/", stock.urls), path("tuned/", tuned.urls), path("bare/", bare)]
