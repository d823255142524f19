"""Load management: a site's current shared among its EVSEs, told as charging profiles.

`share`, `wishes`, `release` and `tree` are pure; `reading` looks, `planning` decides under the site's lock,
`actions` is what people and machines change, `showing` what pages and the API say of it.
"""
