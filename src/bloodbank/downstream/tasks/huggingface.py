"""Datasets of Hugging Face that hold a list of words and a list of labels a row, read at one commit.

    UD = HubData("universal-dependencies/universal_dependencies", labels="upos", configs={"de": ("de_gsd",)})
    PAN_X = HubData("unimelb-nlp/wikiann", labels="ner_tags", configs={code: (code,) for code in ("de", "ru")})
    get_task("pos").read(UD, "de", "test")

Needs `pip install 'bloodbank[hub]'`; the library is imported when something is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from bloodbank.corpus.sources.huggingface import HubDataset, library
from bloodbank.downstream.tasks.data import Sentence
from bloodbank.downstream.tasks.files import SPLITS, check_word
from bloodbank.errors import UsageError

_BATCH_ROWS = 256  # rows that the library turns into Python at once


@dataclass(frozen=True)
class HubData:
    """Where the sentences of a task lie on the hub.

    Attributes:
        dataset: Its name.
        configs: The configurations of each language, `{"de": ("de_gsd", "de_hdt")}`; several are joined.
        labels: Column of labels: texts, or numbers with names.
        words: Column of words.
        splits: What the dataset calls train, dev and test.
        label_names: Names of the labels, in the order of their numbers, where the dataset has numbers without names.
        revision: Commit, tag or branch; the newest where it is empty.
    """

    dataset: str
    configs: Mapping[str, Sequence[str]]
    labels: str
    words: str = "tokens"
    splits: Mapping[str, str] = field(default_factory=lambda: {"train": "train", "dev": "validation", "test": "test"})
    label_names: tuple[str, ...] = ()
    revision: str = ""

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages that have a configuration."""
        return tuple(sorted(self.configs))

    def tables(self, language: str) -> dict[str, tuple[HubTable, ...]]:
        """Open the tables of a language, by split; the hub is asked which there are.

        Raises:
            UsageError: No configuration is named for the language, or it cannot be read.
        """
        configs = self.configs.get(language)
        if not configs:
            raise UsageError(
                f"{self}: no configuration for {language}. Name one in `configs`, as in "
                f'{{"{language}": ("{language}",)}}. There are those of {", ".join(self.languages) or "no language"}.'
            )
        streams = {config: self._streams(config) for config in configs}
        tables: dict[str, tuple[HubTable, ...]] = {}
        for split in filter(self.splits.get, SPLITS):
            name = self.splits[split]
            if own := tuple(HubTable(self, c, streams[c][name], split) for c in configs if name in streams[c]):
                tables[split] = own
        if not tables:
            there = sorted({name for stream in streams.values() for name in stream})
            raise UsageError(
                f"{self} ({', '.join(configs)}): none of the splits {', '.join(self.splits.values())}. There are "
                f"{', '.join(there)}; name them in `splits`."
            )
        return tables

    def _streams(self, config: str) -> Mapping[str, Any]:
        # Without a split the library gives the streams of all.
        streams: Mapping[str, Any] = HubDataset(self.dataset, config, cast("str", None), self.revision).stream()
        return {str(name): stream for name, stream in streams.items()}

    def __str__(self) -> str:
        return f"dataset {self.dataset}"


@dataclass(frozen=True)
class HubTable:
    """One split of one configuration.

    Attributes:
        data: Of which dataset.
        config: Configuration.
        stream: The library's stream of its rows.
        split: `train`, `dev` or `test`.
    """

    data: HubData
    config: str
    stream: Any
    split: str

    def __str__(self) -> str:
        return f"{self.data} ({self.config}, {self.data.splits[self.split]})"

    def read(
        self, labels: Sequence[str], no_word: Sequence[str], counts: Counter[str], *, keep_blank: bool
    ) -> list[Sentence]:
        """Read the sentences.

        Args:
            labels: Those that the task knows.
            no_word: Labels of what is no word and is left out.
            counts: Grows by the words that are left out.
            keep_blank: Keep words that are empty or only white space.

        Raises:
            UsageError: A column is missing, or a row is wrong or without words; names the row, counted from 0.
        """
        names = self._label_names()
        sentences: list[Sentence] = []
        for number, (words, values) in enumerate(self._rows()):
            place = f"{self}, row {number}"
            pairs = list(zip(words, _named(values, names, place), strict=True))
            kept = [(word, label) for word, label in pairs if label not in no_word]
            if len(kept) < len(pairs):
                counts[f"left out because the label {' or '.join(no_word)} marks no word"] += len(pairs) - len(kept)
            if not kept:
                raise UsageError(f"{place}: a sentence without words. Take another revision, or another configuration.")
            for word, label in kept:
                check_word(word, place, keep_blank=keep_blank)
                if label not in labels:
                    raise UsageError(f"{place}: {label!r} is no label of the task. There are {', '.join(labels)}.")
            sentences.append(Sentence(tuple(word for word, _ in kept), tuple(label for _, label in kept), place))
        if not sentences:
            raise UsageError(f"{self}: no sentences. Take another configuration.")
        return sentences

    def _rows(self) -> Iterator[tuple[list[str], list[Any]]]:
        batches = self.stream.iter(batch_size=_BATCH_ROWS)
        n_rows = 0
        while True:
            with library(f"{self}, after {n_rows:,} rows"):
                try:
                    batch = next(batches, None)
                except TypeError as error:  # of another type than the dataset says, or than its first split has
                    raise ValueError(str(error)) from None
            if batch is None:
                return
            for column in (self.data.words, self.data.labels):
                if column not in batch:
                    raise UsageError(f"{self}: no column {column!r}. There are: {', '.join(batch)}.")
            for words, labels in zip(batch[self.data.words], batch[self.data.labels], strict=True):
                self._check_row(words, labels, n_rows)
                yield words, labels
                n_rows += 1

    def _check_row(self, words: Any, labels: Any, number: int) -> None:
        if not isinstance(words, list) or not isinstance(labels, list):
            raise UsageError(
                f"{self}, row {number}: columns {self.data.words!r} and {self.data.labels!r} must hold lists, of words "
                "and of their labels. Name others."
            )
        if len(words) != len(labels) or not all(isinstance(word, str) for word in words):
            raise UsageError(
                f"{self}, row {number}: {len(words)} words and {len(labels)} labels; one text and one label a word are "
                "needed."
            )

    def _label_names(self) -> tuple[str, ...]:
        if self.data.label_names:
            return self.data.label_names
        kind: Any = (self.stream.features or {}).get(self.data.labels)
        return tuple(getattr(getattr(kind, "feature", None), "names", None) or ())


def _named(labels: Sequence[Any], names: Sequence[str], place: str) -> Iterator[str]:
    for label in labels:
        if isinstance(label, str):
            yield label
        elif isinstance(label, int) and 0 <= label < len(names):
            yield names[label]
        else:
            known = f"labels 0 to {len(names) - 1} have names" if names else "numbers have no names in this dataset"
            raise UsageError(f"{place}: label {label!r}, but {known}. Give them as `label_names`.")
