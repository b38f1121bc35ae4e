"""The command line: one subcommand a job, in the order of the data flow."""

from bloodbank.cli import banks, choosing, downstream, exploring, reporting, runs, texts  # noqa: F401 - they add their commands to the app
from bloodbank.cli.app import app, main

__all__ = ["app", "main"]
