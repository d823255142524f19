from django.core.management.base import BaseCommand

from stations.ocpp import schemas, versions, words

HEAD = """# OCPP

Made by `manage.py ocpp_table` from the code; a test compares the two. What a message does is the first line
of its handler's docstring.

Address: `ws(s)://HOST/ocpp/<identity>`, HTTP Basic authentication (user = identity), subprotocols
`ocpp1.6`, `ocpp2.0.1`, `ocpp2.1`.

## From the station

- **decides**: done and committed before the answer.
- **reports**: in the journal before the answer, ingested by workers.
- **asks others**: takes network time, while the socket is read on.
- **logged**: in the message log before the answer.
- **answered**: answered at once; nothing is kept.

"""

TO_STATION = """
## To the station

Every one of them can be sent by hand: a form on the charger's page (“Any command of its protocol”), the API
(`stations/<identity>/commands/`), and to many chargers at once (the list of chargers, `bulk-commands/`).
Where the portal sends it by itself, it says for what. Members are ordered as in the schema, JSON is compact.

"""


def treatment(route) -> str:
    if route.slowly is not None:
        return "asks others" if route.decide is None else "decides, asks others"
    if route.decide is not None or route.together is not None:
        return "decides" + (", reports" if route.for_workers else "")
    if route.for_workers:
        return "reports"
    return "logged" if route.durable else "answered"


def table() -> str:
    return "\n".join([HEAD + _from_station(), TO_STATION + _to_station()]) + "\n"


def _from_station() -> str:
    head = list(versions.ROUTES)
    lines = [f"| Message | {' | '.join(head)} | What it does |", "|---|" + "---|" * (len(head) + 1)]
    for name in sorted(set().union(*versions.ROUTES.values())):
        routes = {version: known[name] for version, known in versions.ROUTES.items() if name in known}
        cells = [treatment(routes[version]) if version in routes else "" for version in head]
        lines.append(f"| {name} | {' | '.join(cells)} | {_said(routes)} |")
    return "\n".join(lines)


def _said(routes: dict) -> str:
    """Once, where the versions say the same."""
    by_words: dict[str, list[str]] = {}
    for version, route in routes.items():
        by_words.setdefault(words.does(route), []).append(version)
    if len(by_words) == 1:
        return next(iter(by_words))
    return "<br>".join(f"{', '.join(found)}: {said}" for said, found in by_words.items())


def _to_station() -> str:
    head = list(versions.ROUTES)
    has = {version: set(schemas.actions_to_station(version)) for version in head}
    lines = [f"| Message | {' | '.join(head)} | Sent by the portal |", "|---|" + ":-:|" * len(head) + "---|"]
    for name in sorted(set().union(*has.values())):
        cells = ["✓" if name in has[version] else "" for version in head]
        features = "; ".join(words.senders().get(name, [])) or "by hand"
        lines.append(f"| {name} | {' | '.join(cells)} | {features} |")
    return "\n".join(lines)


class Command(BaseCommand):
    help = "Print the tables of messages for docs/ocpp.md."

    def handle(self, **options):
        self.stdout.write(table(), ending="")
