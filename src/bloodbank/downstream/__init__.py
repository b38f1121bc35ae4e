"""Section 6: does the choice of pretraining languages carry over to zero-shot tasks?

Tasks, their data and their scores, and the tables of zero-shot scores; importing this package imports no torch.
Fine-tuning is `bloodbank.downstream.finetuning`.
"""

from bloodbank.downstream.alignment import encode, to_labels
from bloodbank.downstream.balance import balance
from bloodbank.downstream.data import Encoded, Sentence, Split
from bloodbank.downstream.hub_tasks import HubData
from bloodbank.downstream.task import Task
from bloodbank.downstream.tasks import TASKS, get_task
from bloodbank.downstream.zero_shot import ZeroShot, zero_shot
from bloodbank.downstream_settings import BalanceSettings

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
