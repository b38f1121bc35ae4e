"""What a report rests on: bank, sets, data, how much was read, and what is missing.

Reads what stands beside the models in the run folder; writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from bloodbank.bank import Bank
from bloodbank.bank.names import plural
from bloodbank.downstream.configurations import Design
from bloodbank.downstream.taggers import Tagger, row_length
from bloodbank.downstream.task_report import TaskReport
from bloodbank.store import Store
from bloodbank.transfer import Plan
from bloodbank.transfer.records import read_phases

_READ = {"tokens": "tokens_seen", "updates": "updates", "seconds": "seconds"}


def configuration_table(design: Design, taggers: Sequence[Tagger], store: Store) -> pd.DataFrame:
    """Make Table 2 with what the models read.

    Returns:
        `configuration`, `added` to C, `languages`, `n_languages`, `n_models` that are there, `tokens`, `updates` and
        `seconds` of one of them on average.
    """
    table = design.table()
    read = []
    for name in table["configuration"]:
        models = dict.fromkeys(one.model for one in taggers if one.configuration == name and one.model)
        phases = [read_phases(store.path(model))[-1] for model in models if store.has(model)]
        means = {
            column: round(sum(one[key] for one in phases) / len(phases)) if phases else 0
            for column, key in _READ.items()
        }
        read.append({"n_models": len(phases), **means})
    return pd.concat([table, pd.DataFrame(read)], axis=1)


def basis_sentences(
    plan: Plan, bank: Bank, design: Design, table_2: pd.DataFrame, tasks: Sequence[TaskReport]
) -> tuple[str, ...]:
    """Say what the numbers rest on, what limits them, and what was not run."""
    experiment, finetune = plan.experiment, plan.experiment.downstream.finetune
    model, match = experiment.model, experiment.grid.match
    found = [
        f"Bank {bank.name}: {len(bank.languages)} languages, protocol {bank.protocol}, metric {bank.metric}. "
        "The sets are as good as its D and R.",
        f"C, the languages that taggers are fine-tuned and tested on: most recipient "
        f"{' '.join(design.most_recipient)}; least recipient {' '.join(design.least_recipient)}.",
        f"Pretraining: {plural(model.n_layers, 'layer')} of width {model.hidden_size}, "
        f"{plural(len(experiment.seeds), 'seed')}; {_amounts(table_2, match)}",
        f"Fine-tuning: {finetune.epochs} epochs, rate {finetune.learning_rate:g}, batches of {finetune.batch_size} "
        f"rows of at most {row_length(experiment)} pieces, {_kept(finetune.select)}.",
    ]
    for one in tasks:
        found += one.data.lines()[:1]
        found += [line.strip() for line in one.data.lines()[1:]]
        if one.n_done < one.n_wanted:
            found.append(
                f"{one.data.task.name}: {one.n_wanted - one.n_done} of {one.n_wanted} taggers were not run: what is "
                "below is of the others. `bloodbank downstream run` goes on."
            )
        if one.failed:
            found.append(f"{one.data.task.name}: failed taggers: {'; '.join(one.failed)}.")
        if one.zero.cells.left_out:
            found.append(f"{one.data.task.name}: seeds that are left out: {'; '.join(one.zero.cells.left_out)}.")
    found.append(
        f"Intervals hold the true value with probability {experiment.downstream.level:.0%}, for what they cover. "
        "A verdict is read from the interval alone, and none is corrected for asking many questions. Intervals over "
        "seeds and test sentences say nothing of other languages or sets."
    )
    return tuple(found)


def _amounts(table_2: pd.DataFrame, match: str) -> str:
    there = table_2[table_2["n_models"] > 0]
    if there.empty:
        return "no model is there."
    low, high = int(there["tokens"].min()), int(there["tokens"].max())
    updates = int(there["updates"].min()), int(there["updates"].max())
    rule = (
        'each language brings the same to every set (`grid.match = "tokens"`), so larger sets read more'
        if match == "tokens"
        else 'all sets read as much (`grid.match = "total"`), so a language of a larger set brings less'
    )
    return f"{rule}: {low:,} to {high:,} pieces and {updates[0]:,} to {updates[1]:,} updates a model."


def _kept(select: str) -> str:
    return "the last epoch" if select == "final" else "the epoch that is best on the source's own dev text"
