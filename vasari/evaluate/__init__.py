"""Measuring what Vasari makes, with estimators of its own."""
