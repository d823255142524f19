"""What stations answer to calls about settings: kept, and the run that sent them goes on."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from stations.configuration import answers, calls, keep, names, profiles
from stations.configuration.runs import Kind, Status, finish, send_next
from stations.models import Command, ConfigurationRun, Provisioning, Station

#: A report whose next part has not come for so long is not coming.
REPORT_SILENT = timedelta(minutes=5)
#: How many parts of a report are counted; a station that sends more is not making sense.
MOST_PARTS = 5_000
REPORTS = ("GetBaseReport", "GetReport")


def _read_16(payload, response):
    return *answers.from_configuration(response), {}


def _read_2x(payload, response):
    return *answers.from_get_variables(response), {}


def _changed_16(payload, response):
    return [], answers.from_change(payload, response), {payload["key"]: payload["value"]}


def _changed_2x(payload, response):
    wishes = {str(names.from_wire(each)): each["attributeValue"] for each in payload["setVariableData"]}
    return [], answers.from_set_variables(payload, response), wishes


#: action → (payload, response) → (what was told, what became of each place, what it was to be set to)
READERS = {
    "GetConfiguration": _read_16,
    "GetVariables": _read_2x,
    "ChangeConfiguration": _changed_16,
    "SetVariables": _changed_2x,
}
WRITERS = ("ChangeConfiguration", "SetVariables")


def command_finished(command: Command) -> None:
    """Keep the answer, also of a call that somebody sent by hand; then send the run's next call."""
    if command.action not in (*READERS, *REPORTS, *profiles.STEPS):
        return
    with transaction.atomic():
        runs = ConfigurationRun.objects.select_for_update().filter(status=Status.RUNNING)
        run = runs.filter(command=command).first()
        outcomes = _take(command)
        if run is None:
            return
        run.command = None
        for outcome in outcomes:
            if str(outcome.name) in run.results:
                run.results[str(outcome.name)] |= {"status": outcome.word, "info": outcome.info[:300]}
                run.reboot_required = run.reboot_required or outcome.word == "RebootRequired"
        if run.kind == Kind.PROFILE:
            profiles.went_on(run, command, outcomes)
        elif command.status == Command.Status.ANSWERED:
            _answered(run, command)
        else:
            _unanswered(run, command)
        _go_on(run)


def _take(command: Command) -> list[answers.Outcome]:
    """Keep what an answer says, or the refusal of a whole call; returns what became of each wish."""
    if command.action not in READERS:
        return []
    answered = command.status == Command.Status.ANSWERED
    at = command.answered_at or timezone.now()
    known, outcomes, wishes = READERS[command.action](
        command.payload, command.response or {} if answered else {}
    )
    if command.action not in WRITERS:
        keep.told(station=command.station, known=known if answered else [], at=at)
        return []
    if not answered:
        word = command.error_code or command.status
        outcomes = [answers.Outcome(each.name, word, command.error_description) for each in outcomes]
        if command.status != Command.Status.ERROR:
            # Never sent, or nobody knows whether it was taken: no refusal to remember.
            return outcomes
    keep.answered(
        station=command.station, outcomes=[(each, wishes[str(each.name)]) for each in outcomes], at=at
    )
    if any(each.word == "RebootRequired" for each in outcomes):
        _needs_reboot(command.station)
    return outcomes


def _needs_reboot(station: Station) -> None:
    row = Provisioning.of(station)
    if row.reboot_required_at is None:
        row.reboot_required_at = timezone.now()
        row.save(update_fields=["reboot_required_at"])


def _answered(run: ConfigurationRun, command: Command) -> None:
    response = command.response or {}
    if command.action in REPORTS:
        word = str(response.get("status", ""))
        if word == "Accepted":
            run.awaits_report = True
            run.is_complete = command.payload.get("reportBase") == "FullInventory"
        elif word != "EmptyResultSet":
            _ask_otherwise(run, command)
    elif run.kind == Kind.READ and command.action == "GetConfiguration" and not command.payload.get("key"):
        # An empty answer to “everything” comes from a charger that only knows keys by name.
        if not response.get("configurationKey"):
            _ask_otherwise(run, command)
        else:
            keep.forget_untold(station=run.station, before=run.created_at)


def _unanswered(run: ConfigurationRun, command: Command) -> None:
    if command.status == Command.Status.ERROR:
        if run.kind in (Kind.READ, Kind.PART) and not command.payload.get("key"):
            _ask_otherwise(run, command)
        # One bad key spoils its own call only: the others are still sent.
        return
    why = command.error_description or str(command.get_status_display())
    run.problem = f"{command.action}: {why}"[:255]
    run.calls = []


def _ask_otherwise(run: ConfigurationRun, command: Command) -> None:
    """The station tells nothing when asked for everything: a smaller report, then one by one."""
    if command.action not in (*REPORTS, "GetConfiguration"):
        return
    version = run.station.ocpp_version
    if run.kind == Kind.PART:
        word = (command.response or {}).get("status") or command.error_code
        run.problem = f"{command.action}: {word}"[:255]
        run.calls = []
    elif command.payload.get("reportBase") == "FullInventory":
        run.calls = [["GetBaseReport", {"requestId": run.pk, "reportBase": "ConfigurationInventory"}]]
    else:
        limits = calls.limits(keep.values(run.station))
        run.calls = [list(call) for call in calls.read_standard(version, limits)]


def _go_on(run: ConfigurationRun) -> None:
    if run.awaits_report and not run.problem:
        if not run.has_whole_report:
            run.save()
            return
        if run.is_complete:
            keep.forget_untold(station=run.station, before=run.created_at)
        run.awaits_report, run.is_complete, run.parts, run.last_part = False, False, [], None
    send_next(run)


@transaction.atomic
def report_part(*, station: Station, payload: dict, received_at: datetime) -> None:
    """One part of a report, whether or not a run of ours asked for it, in whatever order they come."""
    keep.told(station=station, known=answers.from_report(payload), at=received_at)
    if not 0 < payload["requestId"] < 2**31:
        return
    run = (
        ConfigurationRun.objects.select_for_update()
        .filter(
            pk=payload["requestId"],
            station=station,
            kind__in=[Kind.READ, Kind.PART],
            status=Status.RUNNING,
        )
        .first()
    )
    if run is None or len(run.parts) >= MOST_PARTS or payload["seqNo"] < 0:
        return
    if payload["seqNo"] not in run.parts:
        run.parts.append(payload["seqNo"])
    if not payload.get("tbc"):
        run.last_part = payload["seqNo"]
    run.save(update_fields=["parts", "last_part", "moved_at"])
    # A part may overtake the answer that promises it; then that answer goes on.
    if run.awaits_report and run.has_whole_report:
        _go_on(run)


def end_silent(now: datetime) -> int:
    """Runs whose report stopped in the middle, or whose call's end was told to nobody."""
    silent = ConfigurationRun.objects.filter(status=Status.RUNNING, moved_at__lt=now - REPORT_SILENT)
    ended = 0
    for pk in list(silent.values_list("pk", flat=True)[:200]):
        with transaction.atomic():
            locked = ConfigurationRun.objects.select_for_update(skip_locked=True, of=("self",))
            run = locked.select_related("command__station").filter(pk=pk, status=Status.RUNNING).first()
            if run is None or (run.command is not None and not run.command.is_final):
                continue
            if run.command is not None:
                # The process that was to tell it died between the commit and the news.
                command_finished(run.command)
            else:
                run.problem = "The charger's report was never completed."
                finish(run)
            ended += 1
    return ended
