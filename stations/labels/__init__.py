"""Labels with QR codes for chargers: codes (what a label says; pure), sheet (A4 pages as PDF), pages (the admin)."""
