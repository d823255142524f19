"""What was issued before there were books: its day of booking, its country, and which bill it settles."""

from django.db import migrations

# The trigger that keeps documents from changing is off since the columns came, and on again with 0004.
FORWARDS = """
UPDATE billing_invoice SET
    booked_on = (issued_at AT TIME ZONE site.time_zone)::date,
    vat_country = site.country,
    language = coalesce((SELECT language FROM accounts_user WHERE id = billing_invoice.user_id), 'en')
FROM stations_site AS site WHERE site.id = billing_invoice.site_id;
UPDATE billing_cdr SET billed_on_id = invoice.id
FROM billing_invoice AS invoice WHERE invoice.cdr_id = billing_cdr.id AND invoice.kind = '380';
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_documents_and_books")]

    operations = [migrations.RunSQL(FORWARDS, migrations.RunSQL.noop)]
