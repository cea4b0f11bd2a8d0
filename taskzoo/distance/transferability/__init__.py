"""Transferability scores of the literature, in numerically safe forms: functions of what a source shows of a target.

Features are float64 [N, D], labels int64 [N] below the number of classes C, at least two of which are there; a higher
score is a better source. Features that do not vary get the score of a source that knows nothing.
"""
