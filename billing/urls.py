"""Money's addresses: the driver's (`billing:`), their own pages (`me:`) and finance (`fin:`)."""

from django.urls import include, path

from billing import webhook
from billing.views import booking, charger, fin, journal, payment, session, wallet
from billing.views import me as mine

driver = [
    path("b/<uuid:booking_id>/review/", booking.review, name="review"),
    path("b/<uuid:booking_id>/start/", booking.start_booking, name="start_booking"),
    path("c/<str:public_id>/", charger.charger, name="charger"),
    path("c/<str:public_id>/start/", charger.start, name="start"),
    path("q/<str:code>/<int:number>/<str:password>/", charger.scanned, name="scanned"),
    path("start/<uuid:start_id>/", charger.starting, name="starting"),
    path("pay/<uuid:payment_id>/", payment.payment, name="payment"),
    path("x/<str:link>/", session.session, name="session"),
    path("x/<str:link>/stop/", session.stop, name="stop"),
    path("r/<str:link>/", session.receipt, name="receipt"),
    path("r/<str:link>/invoice.pdf", session.invoice_pdf, name="invoice_pdf"),
    path("r/<str:link>/pay/", session.pay, name="pay"),
    path("billing/stripe/webhook/", webhook.stripe_webhook, name="stripe_webhook"),
]

me = [
    path("", mine.home, name="home"),
    path("cards/", mine.cards, name="cards"),
    path("cards/add/", mine.add_card, name="add_card"),
    path("cards/added/", mine.card_added, name="card_added"),
    path("cards/<int:card_id>/default/", mine.make_default, name="default_card"),
    path("cards/<int:card_id>/remove/", mine.remove_card, name="remove_card"),
    path("wallet/", wallet.wallet, name="wallet"),
    path("wallet/<uuid:top_up_id>/", wallet.topped_up, name="topped_up"),
    path("vehicles/", mine.vehicles, name="vehicles"),
    path("vehicles/<int:vehicle_id>/remove/", mine.remove_vehicle, name="remove_vehicle"),
    path("tokens/", mine.tokens, name="tokens"),
    path("tokens/<int:token_id>/remove/", mine.remove_token, name="remove_token"),
]

finance = [
    path("invoices/", fin.invoices, name="invoices"),
    path("invoices/export.csv", fin.invoices_csv, name="invoices_csv"),
    path("invoices/<int:pk>/invoice.pdf", fin.invoice_pdf, name="invoice_pdf"),
    path("invoices/<int:pk>/refund/", fin.refund, name="refund"),
    path("journal/", journal.journal, name="journal"),
    path("journal/export.csv", journal.journal_csv, name="journal_csv"),
    path("review/", fin.review, name="review"),
    path("review/<int:pk>/", fin.decide, name="decide"),
]

urlpatterns = [
    path("", include((driver, "billing"))),
    path("me/", include((me, "me"))),
    path("fin/", include((finance, "fin"))),
]
