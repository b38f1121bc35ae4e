"""Section 6: does the choice of pretraining languages carry over to zero-shot tasks?

Tasks, their data and their scores, and the tables of zero-shot scores; importing this package imports no torch.
Fine-tuning is `bloodbank.downstream.taggers.finetune`.
"""

from bloodbank.downstream.taggers.alignment import encode, to_labels
from bloodbank.downstream.tasks.data import Encoded, Sentence, Split, balance
from bloodbank.downstream.tasks.huggingface import HubData
from bloodbank.downstream.tasks.pos_and_ner import TASKS, get_task
from bloodbank.downstream.tasks.task import Task
from bloodbank.downstream.zero_shot.zero_shot import ZeroShot, zero_shot
from bloodbank.experiment.downstream_settings import BalanceSettings

__all__ = [
    "TASKS",
    "BalanceSettings",
    "Encoded",
    "HubData",
    "Sentence",
    "Split",
    "Task",
    "ZeroShot",
    "balance",
    "encode",
    "get_task",
    "to_labels",
    "zero_shot",
]
