from django.urls import path

from users.scim import log_views

urlpatterns = [
    path("", log_views.request_list, name="provisioning-requests"),
    path("<int:pk>/", log_views.show_request, name="provisioning-request"),
]
