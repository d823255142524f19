"""Who belongs to a site is recorded too: a link table has no model to hang a trigger on."""

from django.db import migrations

LINKS = """
CREATE OR REPLACE FUNCTION stations_site_members_record_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE it RECORD;
BEGIN
    IF TG_OP = 'DELETE' THEN it := OLD; ELSE it := NEW; END IF;
    PERFORM evportal_record_change(
        'stations.site', it.site_id, (SELECT s.operator_id FROM stations_site s WHERE s.id = it.site_id), (SELECT s.name FROM stations_site s WHERE s.id = it.site_id), 'UPDATE',
        CASE TG_OP WHEN 'DELETE' THEN jsonb_build_object('members', it.membership_id) END,
        CASE TG_OP WHEN 'INSERT' THEN jsonb_build_object('members', it.membership_id) END,
        '{}', '{}'
    );
    RETURN NULL;
END
$$;
CREATE TRIGGER stations_site_members_changes_are_recorded AFTER INSERT OR DELETE ON stations_site_members
FOR EACH ROW EXECUTE FUNCTION stations_site_members_record_change();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_record_of_changes"), ("stations", "0002_partitioned_tables")]

    operations = [migrations.RunSQL(LINKS, "DROP FUNCTION stations_site_members_record_change() CASCADE")]
