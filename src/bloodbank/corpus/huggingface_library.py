"""The one door to the libraries `datasets` and `huggingface_hub`.

Their errors become UsageErrors, and their progress bars and warnings are held back while they are asked.

    with library("dataset wikimedia/wikipedia") as datasets:
        datasets.load_dataset_builder(...)
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any

from bloodbank.corpus.records import one_line
from bloodbank.errors import UsageError

INSTALL = "pip install 'bloodbank[hub]'"


@contextmanager
def library(what: str) -> Iterator[Any]:
    """Give the library, quiet while the block runs; what it raises becomes a UsageError.

    Args:
        what: Is being read, for the message.
    """
    try:
        datasets: Any = import_module("datasets")
    except ImportError:
        raise UsageError(f"{what}: reading datasets of Hugging Face needs a package more: {INSTALL}.") from None
    try:
        with _quiet(datasets):
            yield datasets
    except _errors() as error:
        raise UsageError(f"{what}: {_reason(error)}") from error


@cache
def ask_hub(name: str, revision: str, endpoint: str) -> Any:
    """Ask the hub what it knows of a dataset: once a process, so that all its languages are of one commit.

    Args:
        name: Of the dataset.
        revision: Commit, tag or branch; the newest where it is empty.
        endpoint: Address of the hub.

    Returns:
        What `huggingface_hub` returns; its errors pass through.
    """
    from huggingface_hub import HfApi

    return HfApi(endpoint=endpoint, library_name="bloodbank").dataset_info(
        name, revision=revision or None, timeout=30.0
    )


def network_errors() -> tuple[type[BaseException], ...]:
    """Return what the libraries raise where the hub is out of reach."""
    from huggingface_hub.errors import HfHubHTTPError

    # The library below it differs between versions, and its errors are not always OSErrors.
    return (OSError, *(base for base in HfHubHTTPError.__bases__ if base is not Exception))


def _errors() -> tuple[type[BaseException], ...]:
    """Return what the libraries raise where a dataset, the network or the disk is at fault."""
    import pyarrow as pa
    from huggingface_hub.errors import EntryNotFoundError

    return (*network_errors(), EntryNotFoundError, pa.ArrowException, ValueError, RuntimeError, LookupError)


def _reason(error: BaseException) -> str:
    from huggingface_hub import constants

    if isinstance(error, FileNotFoundError) or not isinstance(error, network_errors()):
        return f"cannot be read: {one_line(error)}."
    if constants.HF_HUB_OFFLINE:
        return "the hub may not be asked (HF_HUB_OFFLINE is set), and this machine has kept no copy of it."
    return f"cannot be read: {one_line(error)}. Check the network, then try again."


@contextmanager
def _quiet(datasets: Any) -> Iterator[None]:
    """Hold back progress bars and warnings of the libraries."""
    import huggingface_hub.utils as hub

    bars = [each for each in (datasets, hub) if not _bars(each).are_progress_bars_disabled()]
    loggers = [logging.getLogger(name) for name in ("datasets", "huggingface_hub")]
    levels = [logger.level for logger in loggers]
    for each in bars:
        each.disable_progress_bars()
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for each in bars:
            each.enable_progress_bars()
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _bars(module: Any) -> Any:
    return getattr(module, "utils", module)
