from django.urls import path

from users.scim.endpoint import endpoint

urlpatterns = [
    path("", endpoint, name="scim-root"),
    path("<path:path>", endpoint, name="scim"),
]
