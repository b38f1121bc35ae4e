"""A dataset of the Hugging Face hub at one commit; the one door to the libraries `datasets` and `huggingface_hub`.

What the library found is checked: where the hub is out of reach, it takes any version that it has kept, whatever was
asked for.
"""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from bloodbank.corpus.sources.parquet import Columns, ParquetRecords, Records, Row, check_columns, one_line, rows_of
from bloodbank.errors import UsageError

_COMMIT = re.compile(r"[0-9a-f]{40}")
_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")
_BATCH_ROWS = 256
_MOST_NAMES = 20
INSTALL = "pip install 'bloodbank[hub]'"


@dataclass(frozen=True)
class HubDataset:
    """A dataset of the hub.

    Attributes:
        name: As in `wikimedia/wikipedia`.
        config: Its configuration; empty where it has only one.
        split: Its split.
        revision: Commit, tag or branch; the newest where it is empty.
    """

    name: str
    config: str
    split: str
    revision: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UsageError(f"{self.name!r} is no name of a dataset; write it as in 'wikimedia/wikipedia'.")

    @cached_property
    def commit(self) -> str:
        """The commit that is read: a name that can move is looked up once."""
        if _COMMIT.fullmatch(self.revision):
            return self.revision
        if self._info is not None:
            return str(self._info.sha)
        if self.revision:
            raise UsageError(
                f"{self}: the hub is out of reach, so nobody can say which version {self.revision!r} is now. Give a "
                "commit (40 hexadecimal digits) as revision."
            )
        return str(self._build("").hash)  # what the library has kept

    @property
    def licence(self) -> str | None:
        """Licence that the dataset's card names."""
        card = getattr(self._info, "card_data", None)
        licence = getattr(card, "license", None)
        return ", ".join(licence) if isinstance(licence, list) else licence

    @property
    def date(self) -> str | None:
        """Day of the commit."""
        changed = getattr(self._info, "last_modified", None)
        return changed.date().isoformat() if changed else None

    def records(self, columns: Columns) -> Records:
        """Open the rows.

        Raises:
            UsageError: Configuration, split or column are missing, or the hub is out of reach.
        """
        builder = self._builder
        files = {str(split): names for split, names in (builder.config.data_files or {}).items()}
        splits = list(files) or list(builder.info.splits or {})
        if self.split not in splits:
            raise UsageError(f"{self}: no split {self.split!r}. There are: {', '.join(map(str, splits)) or 'none'}.")
        told = (builder.info.splits or {}).get(self.split)
        n_rows = told.num_examples if told is not None and told.num_examples else None
        names = [str(name) for name in files.get(self.split, [])]
        if names and all(name.endswith(".parquet") for name in names):
            return ParquetRecords(names, columns, opener=_open_address, n_rows=n_rows)
        return _StreamedRecords(self, columns, n_rows)

    def stream(self) -> Any:
        """Return the library's own stream of the split."""
        with library(str(self)):
            try:
                return self._builder.as_streaming_dataset(split=self.split)
            except StopIteration:  # its first file is empty
                raise UsageError(f"{self}: the split {self.split!r} has no records.") from None

    def __str__(self) -> str:
        return f"dataset {self.name}{f' ({self.config})' if self.config else ''}"

    @cached_property
    def _info(self) -> Any:
        """What the hub says of the dataset; None where it is out of reach."""
        with library(str(self)) as datasets:
            from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

            try:
                return ask_hub(self.name, self.revision, datasets.config.HF_ENDPOINT)
            except GatedRepoError:
                raise self._gated() from None
            except RepositoryNotFoundError:
                raise UsageError(
                    f"{self}: the hub has no such dataset, or it is private. Check the name; for a private one log in "
                    "with `hf auth login`."
                ) from None
            except RevisionNotFoundError:
                raise UsageError(f"{self}: no revision {self.revision!r}. Leave it out, or give a commit.") from None
            except network_errors():
                return None

    @cached_property
    def _builder(self) -> Any:
        builder = self._build(self.commit)
        if str(builder.hash) != self.commit:
            raise UsageError(
                f"{self}: the hub is out of reach, and this machine has kept another version ({builder.hash}) than "
                f"the one that is wanted ({self.commit}). Go online, or give the one that is here as revision."
            )
        if hasattr(builder.config, "on_mixed_types"):
            # Otherwise the library writes texts as quoted JSON where a number stands among them.
            builder.config.on_mixed_types = None
        return builder

    def _build(self, revision: str) -> Any:
        # A folder of this name would be read in place of the dataset.
        name = f"hf://datasets/{self.name}" if Path(self.name).is_dir() else self.name
        with library(str(self)) as datasets:
            try:
                return datasets.load_dataset_builder(name, self.config or None, revision=revision or None)
            except datasets.exceptions.DatasetNotFoundError as error:
                if "gated" in str(error):
                    raise self._gated() from None
                raise
            except ValueError as error:
                there = re.findall(r"'([^']+)'", str(error).partition("vailable")[2].partition("]")[0])
                if not there:
                    raise
                raise UsageError(f"{self}: {self._which_config(there)}") from None

    def _which_config(self, there: list[str]) -> str:
        near = difflib.get_close_matches(self.config, there, n=5) if self.config else []
        shown = ", ".join(there[:_MOST_NAMES]) + (f" … ({len(there)} in all)" if len(there) > _MOST_NAMES else "")
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        what = f"no configuration {self.config!r}." if self.config else "a configuration must be named."
        return f"{what}{meant} There are: {shown}."

    def _gated(self) -> UsageError:
        return UsageError(
            f"{self}: only for those whom its owner lets in. Ask for access on "
            f"https://huggingface.co/datasets/{self.name}, then log in with `hf auth login`."
        )


class _StreamedRecords:
    """Rows of any other format, as the library streams them; rows before the first are read and passed over."""

    def __init__(self, dataset: HubDataset, columns: Columns, n_rows: int | None) -> None:
        self._dataset, self._columns, self._n_rows = dataset, columns, n_rows

    @property
    def n_rows(self) -> int:
        """Number of rows, as the dataset says, or counted by reading it."""
        if self._n_rows is None:
            self._n_rows = sum(len(table) for table in self._tables(0))
        return self._n_rows

    def rows(self, first: int) -> Iterator[Row]:
        """Yield the rows from one on."""
        for table in self._tables(first):
            yield from rows_of(table, self._columns)

    def _tables(self, first: int) -> Iterator[Any]:
        stream = self._dataset.stream().with_format("arrow").skip(first)
        tables = stream.iter(batch_size=_BATCH_ROWS)
        n_rows = first
        while True:
            with library(f"{self._dataset}: after {n_rows:,} records"):
                table = next(tables, None)
            if table is None:
                return
            check_columns(table.schema, self._columns, str(self._dataset))
            n_rows += len(table)
            yield table


def _open_address(address: str) -> IO[bytes]:
    with library(address):
        opened: IO[bytes] = import_module("fsspec").open(address, "rb").open()
        return opened


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
