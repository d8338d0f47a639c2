from django.urls import path

from users.tokens import views

urlpatterns = [
    path("", views.index, name="tokens"),
    path("<int:pk>/revocation/", views.revoke, name="token-revocation"),
    path("<int:pk>/provisioning/", views.provisioning, name="token-provisioning"),
]
