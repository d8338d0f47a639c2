from django.urls import path

from users.transfer import export_views

urlpatterns = [
    path("", export_views.index, name="exports"),
    path("<int:pk>/file/", export_views.export_download, name="export-file"),
    path("<int:pk>/end/", export_views.export_removal, name="export-end"),
]
