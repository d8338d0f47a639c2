from django.urls import path

from users.scim.endpoint import scim_endpoint

urlpatterns = [
    path("", scim_endpoint, name="scim-root"),
    path("<path:path>", scim_endpoint, name="scim"),
]
