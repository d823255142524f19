"""Which EVSEs are left to walk-ins is recorded too: a link table has no model to hang a trigger on."""

from django.db import migrations

LINKS = """
CREATE OR REPLACE FUNCTION bookings_siterules_walk_in_only_record_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE it RECORD;
BEGIN
    IF TG_OP = 'DELETE' THEN it := OLD; ELSE it := NEW; END IF;
    PERFORM evportal_record_change(
        'bookings.siterules', it.siterules_id, (SELECT s.operator_id FROM bookings_siterules r JOIN stations_site s ON s.id = r.site_id WHERE r.id = it.siterules_id), (SELECT s.name FROM bookings_siterules r JOIN stations_site s ON s.id = r.site_id WHERE r.id = it.siterules_id), 'UPDATE',
        CASE TG_OP WHEN 'DELETE' THEN jsonb_build_object('walk_in_only', it.evse_id) END,
        CASE TG_OP WHEN 'INSERT' THEN jsonb_build_object('walk_in_only', it.evse_id) END,
        '{}', '{}'
    );
    RETURN NULL;
END
$$;
CREATE TRIGGER bookings_siterules_walk_in_only_changes_are_recorded AFTER INSERT OR DELETE ON bookings_siterules_walk_in_only
FOR EACH ROW EXECUTE FUNCTION bookings_siterules_walk_in_only_record_change();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_record_of_changes"), ("bookings", "0001_initial")]

    operations = [
        migrations.RunSQL(LINKS, "DROP FUNCTION bookings_siterules_walk_in_only_record_change() CASCADE")
    ]
