"""Sites, stations, EVSEs and connectors from a spreadsheet: looked at first, then entered as it was shown.

tables   a file → rows of text (CSV in what spreadsheets write, XLSX), bounded; pure
columns  what the columns are called, and what may stand in them; pure
planning rows and what is there already → what would be created and changed, and every error; pure
known    what is there already, and may be changed by whom
actions  look (kept for a while), apply (all or nothing), take the passwords; sheet: the way back
"""
