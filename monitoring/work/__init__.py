"""Work orders: what somebody has to go and do, with its checklist, photos, notes and parts."""
