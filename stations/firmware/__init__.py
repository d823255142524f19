"""Firmware: images, updates of single stations, publications by local controllers, campaigns."""
