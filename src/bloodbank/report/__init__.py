"""`bloodbank bank report`: everything that can be said of a bank, in one HTML file, with its figures beside it."""

from bloodbank.report.writing import REPORT_FILE, write_report

__all__ = ["REPORT_FILE", "write_report"]
