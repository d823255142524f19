"""Who changed what, from what to what: written by the database, so that no way of changing a row escapes it.

triggers  what a model says in its Meta to be recorded · models  the record, which nobody can change
acting    tells the database who is at work · showing  the record in people's words
"""
