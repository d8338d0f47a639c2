from django.urls import path

from users.transfer.exports import schedule_views, views

urlpatterns = [
    path("", views.index, name="exports"),
    path("everyone/", views.everyone, name="exports-of-everyone"),
    path("schedules/", schedule_views.schedule_list, name="export-schedules"),
    path("schedules/new/", schedule_views.new_schedule, name="export-schedule-new"),
    path("schedules/<int:pk>/end/", schedule_views.schedule_end, name="export-schedule-end"),
    path("<int:pk>/file/", views.export_download, name="export-file"),
    path("<int:pk>/end/", views.export_removal, name="export-end"),
]
