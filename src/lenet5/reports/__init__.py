"""Reports: figures, tables, verdicts on published numbers and HTML pages, from finished runs and studies.

Nothing is trained here, and no run is changed. Read first: `verdict.py` for the rule, `run_report.py` for a page.
"""
