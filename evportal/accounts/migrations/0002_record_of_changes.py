"""What the triggers of recorded models call: one line of the record of changes."""

from django.db import migrations

FUNCTION = """
CREATE OR REPLACE FUNCTION evportal_record_change(
    model text, object_id bigint, operator_id bigint, name text, op text, was jsonb, will jsonb,
    only_these text[], secret text[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    actor jsonb := NULLIF(current_setting('evportal.actor', true), '')::jsonb;
    found jsonb;
BEGIN
    IF op = 'INSERT' AND actor IS NULL THEN
        RETURN;
    END IF;
    SELECT jsonb_object_agg(
        key,
        CASE WHEN key = ANY(secret) THEN '["•••", "•••"]'::jsonb
        ELSE jsonb_build_array(was -> key, will -> key) END
    ) INTO found
    FROM jsonb_object_keys(COALESCE(will, was)) AS key
    WHERE (cardinality(only_these) = 0 OR key = ANY(only_these))
        AND (was -> key) IS DISTINCT FROM (will -> key)
        -- Of a row that comes or goes, what is empty says nothing.
        AND (op = 'UPDATE' OR COALESCE(was -> key, will -> key) NOT IN ('null'::jsonb, '""'::jsonb));
    IF found IS NULL AND op = 'UPDATE' THEN
        RETURN;
    END IF;
    INSERT INTO accounts_change
        (at, operator_id, model, object_id, name, action, fields, by_id, api_key_id, via, request_id)
    VALUES (
        now(), operator_id, model, object_id, left(COALESCE(name, ''), 200),
        CASE op WHEN 'INSERT' THEN 'created' WHEN 'DELETE' THEN 'deleted' ELSE 'changed' END,
        COALESCE(found, '{}'::jsonb), (actor ->> 'user')::bigint, (actor ->> 'key')::bigint,
        left(COALESCE(actor ->> 'via', ''), 200), left(COALESCE(actor ->> 'request', ''), 64)
    );
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [migrations.RunSQL(FUNCTION, "DROP FUNCTION evportal_record_change")]
