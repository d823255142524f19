"""`make run`: starts the whole portal, watches it, and stops all of it again."""
