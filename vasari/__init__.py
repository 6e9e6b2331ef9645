"""Vasari makes a photograph talk."""
