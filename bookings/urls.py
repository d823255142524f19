from django.urls import include, path

from bookings import calendars, change_views, offers, series_views, views

app_name = "bookings"

urlpatterns = [
    path("", include("bookings.waitlist.urls")),
    path("me/calendar.ics", calendars.my_calendar, name="my_calendar"),
    path("ops/sites/<int:site_id>/calendar/<str:token>.ics", calendars.site_calendar, name="site_calendar"),
    path("s/<slug:slug>/book/", views.book, name="book"),
    path("b/<uuid:booking_id>/", views.booking, name="booking"),
    path("b/<uuid:booking_id>/booking.ics", views.ics, name="ics"),
    path("b/<uuid:booking_id>/extend/", views.extend, name="extend"),
    path("b/<uuid:booking_id>/move/", views.move, name="move"),
    path("b/<uuid:booking_id>/take-offer/", offers.take_offer, name="take_offer"),
    path("b/<uuid:booking_id>/cancel/", views.cancel, name="cancel"),
    path("b/<uuid:booking_id>/end/", change_views.end, name="end"),
    path("b/<uuid:booking_id>/late/", change_views.late, name="late"),
    path("b/series/<uuid:series_id>/", series_views.series, name="series"),
    path("b/series/<uuid:series_id>/cancel/", series_views.cancel, name="cancel_series"),
]
