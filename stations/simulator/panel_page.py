"""The control panel's page: plain forms, made for a phone held beside the demo."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from .charger import SimulatedCharger
    from .fleet import Fleet
    from .point import Point

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --go: #0a7d46; --bad: #c0271f }
* { box-sizing: border-box }
body { font: 1rem/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 44rem; padding: 1rem }
h1 { font-size: 1.25rem; margin: 0 }
[role=status] { background: Canvas; margin: 0; padding: .5rem 0; position: sticky; top: 0 }
header { display: flex; justify-content: space-between; align-items: center; gap: 1rem }
article { border: 1px solid var(--line); border-radius: .75rem; margin: 1rem 0; padding: 1rem }
h2 { font-size: 1.05rem; margin: 0; overflow-wrap: anywhere }
h3 { font-size: 1rem; margin: 0 }
section { background: var(--soft); border-radius: .5rem; margin-top: .75rem; padding: .75rem }
p { margin: .25rem 0 .5rem }
form { display: flex; flex-wrap: wrap; gap: .5rem; margin: .5rem 0 0; align-items: end }
label { display: flex; flex: 1 1 6rem; flex-direction: column; font-size: .875rem; gap: .15rem }
input, button { font: inherit; min-height: 2.75rem; padding: .4rem .75rem; border-radius: .5rem }
input { border: 1px solid #888; width: 100% }
button { border: 1px solid #888; cursor: pointer; flex: 0 0 auto }
.row { display: flex; flex-wrap: wrap; gap: .5rem }
.row form { margin-top: .5rem }
.state { font-weight: 600 }
.Charging { color: light-dark(var(--go), #5fd39a) }
.Faulted, .offline { color: light-dark(var(--bad), #ff8a80) }
:focus-visible { outline: 3px solid #2f6fed; outline-offset: 2px }
"""


def describe(charger: SimulatedCharger) -> dict[str, Any]:
    """A station as JSON; energy in Wh, power in W."""
    return {
        "identity": charger.identity,
        "version": charger.version,
        "connected": charger.link.connected,
        "booted": charger.booted,
        "waiting_messages": charger.link.waiting,
        "evses": [_describe_evse(point) for point in charger.points],
    }


def _describe_evse(point: Point) -> dict[str, Any]:
    tx, car = point.transaction, point.evse.car
    register_wh = point.evse.register_wh
    return {
        "number": point.number,
        "status": point.status,
        "dc": point.evse.dc,
        "register_wh": round(register_wh, 1),
        "power_w": round(point.evse.power_w, 1),
        "soc": round(car.soc, 1) if car else None,
        "token": tx.token.value if tx else None,
        "session_wh": round(register_wh - tx.first.energy_wh, 1) if tx and tx.first else None,
        "fault": point.fault_code,
    }


def page(fleet: Fleet, done: str = "") -> str:
    """All stations with their buttons; `done` says what came of the last one pressed."""
    outcome = f'<p role="status"><strong>{escape(done[:80])}</strong></p>' if done else ""
    stations = "".join(_station(describe(charger)) for charger in fleet)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Simulated stations</title><style>{STYLE}</style></head><body>"
        '<header><h1>Simulated stations</h1><a href="/">Refresh</a></header>'
        f"{outcome}<main>{stations or '<p>No stations.</p>'}</main></body></html>"
    )


def _station(station: dict[str, Any]) -> str:
    identity = station["identity"]
    base = f"/stations/{quote(identity, safe='')}"
    if not station["connected"]:
        state = f'<span class="offline">offline, {station["waiting_messages"]} messages waiting</span>'
    else:
        state = "online" if station["booted"] else "connected, not accepted yet"
    evses = "".join(_evse(f"{base}/evses/{evse['number']}", evse) for evse in station["evses"])
    return (
        f'<article id="{escape(quote(identity, safe=""))}"><h2>{escape(identity)}</h2>'
        f"<p>OCPP {station['version']}, {state}</p>{evses}"
        f'<div class="row">{_button(f"{base}/offline", "Go offline")}{_button(f"{base}/online", "Come back")}'
        "</div></article>"
    )


def _evse(base: str, evse: dict[str, Any]) -> str:
    facts = [f"{evse['power_w'] / 1000:.1f} kW"]
    if evse["session_wh"] is not None:
        facts.append(f"{evse['session_wh'] / 1000:.2f} kWh for {escape(evse['token'])}")
    if evse["soc"] is not None:
        facts.append(f"car at {evse['soc']:.0f} %")
    if evse["fault"]:
        facts.append(escape(evse["fault"]))
    if evse["soc"] is None:
        cable = (
            f'<form method="post" action="{base}/plug">'
            f"{_field('battery_kwh', 'Battery (kWh)', '60', 'decimal')}"
            f"{_field('soc', 'Charged (%)', '40', 'decimal')}<button>Plug in</button></form>"
        )
    else:
        cable = _button(f"{base}/unplug", "Unplug")
    card = (
        f'<form method="post" action="{base}/swipe">'
        f"{_field('token', 'Card', evse['token'] or '', 'text')}<button>Swipe card</button></form>"
    )
    fault = _button(f"{base}/clear", "Clear fault") if evse["fault"] else _button(f"{base}/fault", "Fault")
    return (
        f'<section><h3>EVSE {evse["number"]}: <span class="state {evse["status"]}">{evse["status"]}</span>'
        f"</h3><p>{', '.join(facts)}</p>{cable}{card}{fault}</section>"
    )


def _button(action: str, label: str) -> str:
    return f'<form method="post" action="{action}"><button>{label}</button></form>'


def _field(name: str, label: str, value: str, mode: str) -> str:
    required = " required" if name == "token" else ""
    return (
        f'<label>{label}<input name="{name}" value="{escape(value)}" inputmode="{mode}" '
        f'autocomplete="off"{required}></label>'
    )
