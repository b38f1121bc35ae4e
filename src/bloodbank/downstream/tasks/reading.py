"""The sentences of a task for the languages that are fine-tuned and tested on: read, balanced, and what is missing.

Languages without data are named and left out:

    data = read_task("pos", settings.tasks["pos"], ["de", "fi", "hi"])
    data.languages, data.without                                # ("de", "fi"), ("hi",)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bloodbank.downstream.tasks.data import Split, balance
from bloodbank.downstream.tasks.huggingface import HubData
from bloodbank.downstream.tasks.pos_and_ner import get_task
from bloodbank.downstream.tasks.task import Place, Task
from bloodbank.errors import UsageError
from bloodbank.experiment.downstream_settings import TaskSettings


@dataclass(frozen=True, eq=False)
class TaskData:
    """The sentences of one task.

    Attributes:
        task: Which.
        languages: Those of the wanted languages that have data: source and target of every tagger.
        without: Those that have none.
        train: Balanced training sentences, by language.
        test: Test sentences, by language.
        dev: Dev sentences, by language; empty unless they were asked for.
        sizes: For each language `n_available` and `n_sentences` (training sentences that there are, and that are used),
            `n_words`, `n_missing` (short of what was asked for), `n_test_sentences`, `n_test_words` and `notes`.
    """

    task: Task
    languages: tuple[str, ...]
    without: tuple[str, ...]
    train: dict[str, Split]
    test: dict[str, Split]
    dev: dict[str, Split]
    sizes: pd.DataFrame

    def lines(self) -> list[str]:
        """Say how many sentences there are."""
        absent = f"; no data for {' '.join(self.without)}" if self.without else ""
        lines = [f"{self.task.name}: fine-tuned and tested on {' '.join(self.languages)}{absent}"]
        for row in self.sizes.to_dict("records"):
            short = f", {row['n_missing']:,} short of what was asked for" if row["n_missing"] else ""
            notes = f" ({row['notes']})" if row["notes"] else ""
            lines.append(
                f"  {row['language']:>4}  train {row['n_sentences']:,} sentences of {row['n_available']:,}{short}; "
                f"test {row['n_test_sentences']:,}{notes}"
            )
        return lines


def place_of(settings: TaskSettings) -> Place:
    """Return where a task's sentences lie: a folder, or a dataset of the hub."""
    if settings.path:
        return Path(settings.path)
    return HubData(
        settings.dataset,
        dict(settings.configs),
        settings.labels,
        words=settings.words,
        label_names=settings.label_names,
        revision=settings.revision,
    )


def read_task(name: str, settings: TaskSettings, codes: Sequence[str], *, with_dev: bool = False) -> TaskData:
    """Read a task for some languages; those without data are named, which is no error.

    Args:
        name: `pos` or `ner`.
        settings: Where it lies, and how many sentences train.
        codes: Languages that are wanted.
        with_dev: Read dev text too, for choosing an epoch on the source's own.

    Raises:
        UsageError: Fewer than two languages have data, or a file is wrong; names file and line.
    """
    task, place = get_task(name), place_of(settings)
    there = task.languages(place)
    languages = tuple(code for code in codes if code in there)
    if len(languages) < 2:
        raise UsageError(
            f"{settings.path or settings.dataset}: {name} has data for {', '.join(languages) or 'none'} of "
            f"{', '.join(codes)}, and zero-shot transfer needs two languages or more. There is data for "
            f"{', '.join(there) or 'no language'}."
        )
    test = {code: task.read(place, code, "test") for code in languages}
    available = [task.read(place, code, "train") for code in languages]
    balanced, sizes = balance(available, settings, task.n_train)
    train = {split.language: split for split in balanced}
    dev = {code: task.read(place, code, "dev") for code in languages} if with_dev else {}
    sizes["n_test_sentences"] = [len(test[code].sentences) for code in languages]
    sizes["n_test_words"] = [test[code].n_words for code in languages]
    sizes["notes"] = ["; ".join(dict.fromkeys((*train[code].notes, *test[code].notes))) for code in languages]
    without = tuple(code for code in codes if code not in there)
    return TaskData(task, languages, without, train, test, dev, sizes)
