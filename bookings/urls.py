from django.urls import path

from bookings import offers, views

app_name = "bookings"

urlpatterns = [
    path("s/<slug:slug>/book/", views.book, name="book"),
    path("b/<uuid:booking_id>/", views.booking, name="booking"),
    path("b/<uuid:booking_id>/booking.ics", views.ics, name="ics"),
    path("b/<uuid:booking_id>/extend/", views.extend, name="extend"),
    path("b/<uuid:booking_id>/move/", views.move, name="move"),
    path("b/<uuid:booking_id>/take-offer/", offers.take_offer, name="take_offer"),
    path("b/<uuid:booking_id>/cancel/", views.cancel, name="cancel"),
]
