"""Money's addresses: the driver's (`billing:`), their own pages (`me:`) and finance (`fin:`)."""

from django.urls import include, path, re_path

from billing import webhook
from billing.views import (
    booking,
    books,
    charger,
    exports,
    fin,
    journal,
    mine_documents,
    payment,
    session,
    wallet,
)
from billing.views import me as mine
from billing.views import me_news as news

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
    path("r/<str:link>/signed.xml", session.signed_xml, name="signed_xml"),
    path("r/<str:link>/pay/", session.pay, name="pay"),
    path("r/<str:link>/reissue/", mine_documents.reissue, name="reissue"),
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
    path("notifications/", news.notifications, name="notifications"),
    path("notifications/add/<slug:kind>/", news.add_channel, name="add_channel"),
    path("notifications/<int:channel_id>/confirm/", news.confirm_channel, name="confirm_channel"),
    path("notifications/<int:channel_id>/code/", news.send_code, name="send_code"),
    path("notifications/<int:channel_id>/test/", news.test_channel, name="test_channel"),
    path("notifications/<int:channel_id>/remove/", news.remove_channel, name="remove_channel"),
    path("calendar/", news.calendar, name="calendar"),
    path("calendar/new/", news.new_calendar, name="new_calendar"),
    path("calendar/end/", news.end_calendar, name="end_calendar"),
    path("billing/", mine_documents.account, name="billing"),
    path("documents/", mine_documents.documents, name="documents"),
    path("documents/<int:year>-<int:month>.<str:format>", mine_documents.statement, name="statement"),
    path("documents/<int:year>.zip", mine_documents.archive, name="archive"),
    path("documents/report.<str:format>", mine_documents.report, name="report"),
    path("charges/<uuid:session_id>/vehicle/", mine_documents.choose_vehicle, name="vehicle_of"),
    path("tokens/", mine.tokens, name="tokens"),
    path("tokens/<int:token_id>/remove/", mine.remove_token, name="remove_token"),
]

finance = [
    path("invoices/", fin.invoices, name="invoices"),
    path("invoices/export.csv", fin.invoices_csv, name="invoices_csv"),
    path("invoices/<int:pk>/", fin.invoice, name="invoice"),
    path("invoices/<int:pk>/resend/", fin.resend, name="resend"),
    re_path(r"^invoices/(?P<pk>\d+)/invoice\.(?P<syntax>cii|ubl)\.xml$", fin.invoice_xml, name="invoice_xml"),
    path("exports/", exports.exports, name="exports"),
    path("exports/new/", exports.export_new, name="export_new"),
    path("exports/<uuid:pk>/file/", exports.export_file, name="export_file"),
    path("months/", books.months, name="months"),
    path("months/<str:month>/", books.month, name="month"),
    path("months/<int:pk>/reopen/", books.reopen, name="reopen"),
    path("settings/", books.settings, name="books"),
    path("hosts/", books.all_hosts, name="hosts"),
    path("hosts/new/", books.host, name="host_new"),
    path("hosts/<int:pk>/", books.host, name="host"),
    path("hosts/<int:pk>/<str:month>/", books.statement, name="statement"),
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
