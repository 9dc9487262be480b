"""Formats made from what a chat template renders: its output is probed, described in the words of `wire`, and tried."""
