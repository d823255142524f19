from django.core.management.base import BaseCommand

from stations.ocpp import schemas, versions

HEAD = """# OCPP

Made by `manage.py ocpp_table` from the code; a test compares the two.

Address: `ws(s)://HOST/ocpp/<identity>`, HTTP Basic authentication (user = identity), subprotocols
`ocpp1.6`, `ocpp2.0.1`, `ocpp2.1`. **decides**: committed before the answer. **reports**: in the journal
before the answer, ingested by workers. **logged**: acknowledged and kept in the message log.

## From the station
"""


def treatment(route) -> str:
    if route is None:
        return ""
    if route.decide is not None:
        return "decides" + (", reports" if route.facts else "")
    if route.for_workers:
        return "reports"
    return "logged" if route.durable else "answered"


def table() -> str:
    names = sorted(set().union(*versions.ROUTES.values()))
    lines = [
        HEAD,
        "| Message | " + " | ".join(versions.ROUTES) + " |",
        "|---|" + "---|" * len(versions.ROUTES),
    ]
    for name in names:
        cells = [treatment(routes.get(name)) for routes in versions.ROUTES.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", "## To the station", "", "Every action can be sent by API and by form.", ""]
    for version in versions.ROUTES:
        lines += [f"**{version}**: " + ", ".join(schemas.actions_to_station(version)) + ".", ""]
    return "\n".join(lines)


class Command(BaseCommand):
    help = "Print the table of messages for docs/ocpp.md."

    def handle(self, **options):
        self.stdout.write(table(), ending="")
