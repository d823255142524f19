"""The look of the hosted pages: plain HTML, one small stylesheet, nothing loaded from elsewhere."""

import base64
import hashlib
from dataclasses import dataclass, field
from html import escape

CSS = """
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#16202b;--soft:#52606d;--line:#c4ccd5;
--go:#0b5fce;--on:#fff;--bad:#b3161b;--badbg:#fdecec;--note:#fff6d6;--noteink:#4a3a00}
@media (prefers-color-scheme:dark){:root{--bg:#11161c;--card:#1a222b;--ink:#eef2f6;--soft:#aab6c2;
--line:#46525f;--go:#7db4ff;--on:#0b1622;--bad:#ff9a9a;--badbg:#3a1b1e;--note:#3a3213;--noteink:#ffe9a3}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{max-width:26rem;margin:0 auto;padding:1.25rem 1rem 3rem}
main.wide{max-width:70rem}
h1{font-size:1.35rem;line-height:1.25;margin:.25rem 0}
h2{font-size:1.1rem;margin:2rem 0 .5rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1rem;margin-top:1rem}
.amount{font-size:2rem;font-weight:650;margin:0}
.soft{color:var(--soft);margin:.25rem 0}
.note{background:var(--note);color:var(--noteink);border-radius:.5rem;padding:.625rem .75rem;margin:1rem 0}
.error{background:var(--badbg);color:var(--bad);border-radius:.5rem;padding:.625rem .75rem;margin:0 0 1rem}
label{display:block;font-weight:600;margin:.75rem 0 .25rem}
.hint{font-weight:400;color:var(--soft)}
input{width:100%;font:inherit;padding:.625rem .75rem;color:inherit;background:var(--bg);
border:1px solid var(--soft);border-radius:.5rem;min-height:2.75rem}
input[aria-invalid=true]{border-color:var(--bad)}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:.75rem}
button{font:inherit;font-weight:600;min-height:2.75rem;padding:.5rem 1rem;border-radius:.5rem;cursor:pointer;
border:1px solid var(--go);background:var(--go);color:var(--on)}
button.second{background:transparent;color:var(--go)}
form.stack button{width:100%;margin-top:1rem}
:focus-visible{outline:3px solid var(--go);outline-offset:2px}
a{color:var(--go)}
.back{display:inline-block;padding:.75rem 0}
dl{margin:0}dt{color:var(--soft);float:left;clear:left}dd{text-align:right;margin:0}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid var(--line);white-space:nowrap}
.num{text-align:right;font-variant-numeric:tabular-nums}
code{font-size:.9em}
""".strip()
STYLE_HASH = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    # form-action stays open: browsers apply it to the redirect that leads back to the portal.
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; "
    "frame-ancestors 'none'; img-src data:",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
ZERO_DECIMAL = {"jpy", "krw", "vnd", "clp", "xaf", "xof"}
SYMBOL = {"eur": "€", "gbp": "£", "usd": "$"}


@dataclass
class Page:
    """One HTML answer, or a redirect."""

    body: str = ""
    status: int = 200
    headers: dict = field(default_factory=lambda: dict(HEADERS))


def layout(title, content, *, wide=False, status=200) -> Page:
    """A whole document around `content`, which is HTML already."""
    kind = ' class="wide"' if wide else ""
    return Page(
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="icon" href="data:,"><style>{CSS}</style></head>'
        f"<body><main{kind}>{content}</main></body></html>",
        status,
    )


def redirect(url) -> Page:
    """Go on with GET."""
    return Page(status=303, headers={"Location": url, "Cache-Control": "no-store"})


def message(title, text, *, status=200, back=None) -> Page:
    """A page that only says something."""
    link = f'<a class="back" href="{escape(back)}">Go back</a>' if back else ""
    return layout(title, f"<h1>{escape(title)}</h1><p>{escape(text)}</p>{link}", status=status)


def money(amount, currency) -> str:
    """An amount of minor units for people."""
    if currency in ZERO_DECIMAL:
        figure = f"{abs(amount):,}"
    else:
        figure = f"{abs(amount) // 100:,}.{abs(amount) % 100:02d}"
    sign = "−" if amount < 0 else ""
    symbol = SYMBOL.get(currency)
    return f"{sign}{symbol}{figure}" if symbol else f"{sign}{figure} {currency.upper()}"


def table(caption, heads, rows) -> str:
    """A table of cells that are HTML already; heads ending in › are right-aligned figures."""
    if not rows:
        return f'<h2>{escape(caption)}</h2><p class="soft">None yet.</p>'
    marks = [' class="num"' if head.endswith("›") else "" for head in heads]
    names = [escape(head.rstrip("›")) for head in heads]
    head = "".join(f'<th scope="col"{m}>{name}</th>' for m, name in zip(marks, names, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{m}>{cell}</td>" for m, cell in zip(marks, row, strict=True)) + "</tr>"
        for row in rows
    )
    label = escape(caption)
    return (
        f'<h2>{label}</h2><div class="scroll" tabindex="0" role="region" aria-label="{label}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
