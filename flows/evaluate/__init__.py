"""Scores of stage functions against ground truth, one module per suite."""
