from django.urls import path

from users.transfer.exports import views

urlpatterns = [
    path("", views.index, name="exports"),
    path("<int:pk>/file/", views.export_download, name="export-file"),
    path("<int:pk>/end/", views.export_removal, name="export-end"),
]
