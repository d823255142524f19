"""Labels with QR codes for chargers.

codes  what a label says, and its code; pure · sheet  A4 pages as PDF · pages  the admin's action
"""
