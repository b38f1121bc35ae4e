"""The command `bloodbank`, to which the other modules add subcommands, and what happens to their errors."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.exceptions import CycloptsError

from bloodbank.errors import BloodbankError

Source = Annotated[
    Path, Parameter(help="Run folder, `bank.json`, a matrix, or the name of a bank that comes with bloodbank.")
]
Baseline = Annotated[
    Literal["alone", "equal", "longer"],
    Parameter(
        help="What F is relative to: `alone`, M_t; `equal`, M_t with as many passes over t as M_{s,t} makes; `longer`, "
        "with as many updates. By default as the bank was made."
    ),
]
app = App(
    name="bloodbank",
    help="Measure which languages help which in multilingual pretraining, and choose the set to pretrain on.",
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,  # `main` says what is kept
)


def main() -> None:
    """Run the command line; every `BloodbankError` becomes a message and an exit code here and only here."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a letter is no reason to fail
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        app(arguments, exit_on_error=False, print_error=True)
    except CycloptsError:
        sys.exit(2)
    except BloodbankError as error:
        if debug:
            raise
        print(f"bloodbank: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print(
            "\nbloodbank: stopped. What was finished is kept; the same command goes on from there.",
            file=sys.stderr,
        )
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away, as `head` does
        sys.exit(1)
    except OSError as error:
        from bloodbank.store import disk_message

        message = disk_message(error, Path("the output"))
        if debug or message is None:
            raise
        print(f"bloodbank: {message}", file=sys.stderr)
        os._exit(BloodbankError.exit_code)  # at a plain exit Python would try to write the output once more
