import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_book_what_was_issued")]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="invoice",
            trigger=pgtrigger.compiler.Trigger(
                name="issued_documents_never_change",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."operator_id" IS DISTINCT FROM (NEW."operator_id") OR OLD."site_id" IS DISTINCT FROM (NEW."site_id") OR OLD."series_id" IS DISTINCT FROM (NEW."series_id") OR OLD."sequence" IS DISTINCT FROM (NEW."sequence") OR OLD."number" IS DISTINCT FROM (NEW."number") OR OLD."link" IS DISTINCT FROM (NEW."link") OR OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."corrects_id" IS DISTINCT FROM (NEW."corrects_id") OR OLD."replaces_id" IS DISTINCT FROM (NEW."replaces_id") OR OLD."host_id" IS DISTINCT FROM (NEW."host_id") OR OLD."cdr_id" IS DISTINCT FROM (NEW."cdr_id") OR OLD."booking_id" IS DISTINCT FROM (NEW."booking_id") OR OLD."refund_id" IS DISTINCT FROM (NEW."refund_id") OR OLD."issued_at" IS DISTINCT FROM (NEW."issued_at") OR OLD."supplied_on" IS DISTINCT FROM (NEW."supplied_on") OR OLD."booked_on" IS DISTINCT FROM (NEW."booked_on") OR OLD."period_start" IS DISTINCT FROM (NEW."period_start") OR OLD."period_end" IS DISTINCT FROM (NEW."period_end") OR OLD."due_on" IS DISTINCT FROM (NEW."due_on") OR OLD."language" IS DISTINCT FROM (NEW."language") OR OLD."vat_country" IS DISTINCT FROM (NEW."vat_country") OR OLD."currency" IS DISTINCT FROM (NEW."currency") OR OLD."seller" IS DISTINCT FROM (NEW."seller") OR OLD."buyer" IS DISTINCT FROM (NEW."buyer") OR OLD."details" IS DISTINCT FROM (NEW."details") OR OLD."issued_in" IS DISTINCT FROM (NEW."issued_in") OR OLD."net" IS DISTINCT FROM (NEW."net") OR OLD."tax" IS DISTINCT FROM (NEW."tax") OR OLD."gross" IS DISTINCT FROM (NEW."gross"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="789d5ec9a8e7f08e7d3e86f38f85417f216dd097",
                    operation="UPDATE",
                    pgid="pgtrigger_issued_documents_never_change_dcd64",
                    table="billing_invoice",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="invoice",
            trigger=pgtrigger.compiler.Trigger(
                name="closed_months_stay_closed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    IF EXISTS (\n                        SELECT FROM billing_closedmonth\n                        WHERE operator_id = NEW.operator_id AND reopened_at IS NULL\n                        AND month = date_trunc('month', NEW.booked_on)::date\n                    ) THEN RAISE EXCEPTION 'The month of % is closed.', NEW.booked_on; END IF;\n                    RETURN NEW;\n                ",
                    hash="a336e748e7dcbc2c8e79c5763786953aeb0951db",
                    operation="INSERT",
                    pgid="pgtrigger_closed_months_stay_closed_921ef",
                    table="billing_invoice",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="invoice",
            trigger=pgtrigger.compiler.Trigger(
                name="lines_add_up_to_their_document",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    func="\n                    IF EXISTS (\n                        SELECT FROM billing_invoiceline WHERE invoice_id = NEW.id\n                        HAVING coalesce(sum(net), 0) <> NEW.net OR coalesce(sum(gross), 0) <> NEW.gross\n                    ) THEN RAISE EXCEPTION 'The lines of % do not add up to it.', NEW.number; END IF;\n                    RETURN NULL;\n                ",
                    hash="73fba30b2ef4df610d184fd55507328a63c4b000",
                    operation="INSERT",
                    pgid="pgtrigger_lines_add_up_to_their_document_e976a",
                    table="billing_invoice",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="invoiceline",
            trigger=pgtrigger.compiler.Trigger(
                name="issued_documents_get_no_lines",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    IF (SELECT issued_in FROM billing_invoice WHERE id = NEW.invoice_id)\n                        <> pg_current_xact_id()::text::bigint\n                    THEN RAISE EXCEPTION 'pgtrigger: This document is issued already.'; END IF;\n                    RETURN NEW;\n                ",
                    hash="ef51aa78e388889190ec0cb526d9c1e1b948c429",
                    operation="INSERT",
                    pgid="pgtrigger_issued_documents_get_no_lines_cf9b0",
                    table="billing_invoiceline",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="series",
            trigger=pgtrigger.compiler.Trigger(
                name="numbers_never_go_back",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (NEW."last_number" < (OLD."last_number") OR OLD."prefix" IS DISTINCT FROM (NEW."prefix"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="e60d02aeb357d1aa2bf756a60ed9add7861d7bae",
                    operation="UPDATE",
                    pgid="pgtrigger_numbers_never_go_back_c1ae3",
                    table="billing_series",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="series",
            trigger=pgtrigger.compiler.Trigger(
                name="series_stay",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="2dea80fa9ac73c3c0d3f6d4bcf0a7bc52e9b9005",
                    operation="DELETE",
                    pgid="pgtrigger_series_stay_8a8c4",
                    table="billing_series",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="documentevent",
            trigger=pgtrigger.compiler.Trigger(
                name="document_events_never_change",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."invoice_id" IS DISTINCT FROM (NEW."invoice_id") OR OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."at" IS DISTINCT FROM (NEW."at") OR OLD."detail" IS DISTINCT FROM (NEW."detail"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="e2cb8d45527b88bc765441b984549a6afd9046ae",
                    operation="UPDATE",
                    pgid="pgtrigger_document_events_never_change_ed0c3",
                    table="billing_documentevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="documentevent",
            trigger=pgtrigger.compiler.Trigger(
                name="document_events_stay",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="762a6387fa1ad1286b1290814d12d25553295328",
                    operation="DELETE",
                    pgid="pgtrigger_document_events_stay_5c5d6",
                    table="billing_documentevent",
                    when="BEFORE",
                ),
            ),
        ),
    ]
