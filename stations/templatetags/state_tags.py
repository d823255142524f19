"""The shapes of the states, for templates; each differs in shape, not only in colour (UX: states)."""

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_THIN = 'fill="none" stroke="currentColor" stroke-width="1.8"'
#: The drawing of each look in a field of 16 × 16.
SHAPES = {
    "available": '<circle cx="8" cy="8" r="6.2"/>',
    "charging": '<path d="M9.8.8 2.8 9.3h4.1L6 15.2l7.2-8.9H9Z"/>',
    "preparing": '<circle cx="8" cy="8" r="5.8" fill="none" stroke="currentColor" stroke-width="1.6"/>'
    '<path d="M8 2.2a5.8 5.8 0 0 0 0 11.6Z"/>',
    "reserved": f'<path {_THIN} d="M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2Zm0 2.4V8h3"/>',
    "attention": '<path d="M8 1.4 15.6 15H.4Z"/>',
    "faulted": '<path fill="none" stroke="currentColor" stroke-width="3.4"'
    ' d="m2.8 2.8 10.4 10.4m0-10.4L2.8 13.2"/>',
    "offline": f'<path {_THIN} d="M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2ZM4 12l8-8"/>',
    "unknown": '<path fill="none" stroke="currentColor" stroke-width="2"'
    ' d="M5 5.6A3 3 0 1 1 9.3 8.2C8.4 8.7 8 9.2 8 10.2m0 2v2"/>',
}
# Made once: a wallboard shows more than a thousand of them.
_ICONS = {
    # Nothing of it comes from outside.
    look: mark_safe(f'<svg viewBox="0 0 16 16" aria-hidden="true">{shape}</svg>')  # noqa: S308
    for look, shape in SHAPES.items()
}


@register.filter
def state_icon(look: str) -> SafeString:
    """The look's drawing; what isn't a look is drawn as unknown."""
    return _ICONS.get(look, _ICONS["unknown"])


@register.simple_tag
def state_cells(cells) -> SafeString:
    """A link for each of `{number, look, label, url}`; a template would take ten times as long."""
    return format_html_join(
        "\n",
        '<li><a class="state s-{}" href="{}" title="{}" aria-label="{}">{}{}</a></li>',
        ((cell.look, cell.url, cell.label, cell.label, state_icon(cell.look), cell.number) for cell in cells),
    )
