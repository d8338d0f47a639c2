from django.urls import path

from users.scim import log_views

urlpatterns = [path("", log_views.request_list, name="provisioning-requests")]
