from django.urls import path

from users.staff.links import views

urlpatterns = [
    path("<int:pk>/single-sign-on/", views.link_person, name="account-oidc-link"),
    path("<int:pk>/single-sign-on/end/", views.unlink_person, name="account-oidc-link-end"),
]
