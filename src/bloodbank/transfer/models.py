"""Which models an experiment needs, what each is trained on, and which cells each is scored for.

A *model* is one training; a *cell* is one measurement. They differ where one model fills several cells (`joint`: a pair
is trained once and scored on both), and where a cell needs no model of its own (`zero_shot`).
"""

from __future__ import annotations

from dataclasses import dataclass

from bloodbank.errors import UsageError
from bloodbank.experiment.load import Experiment

MONOLINGUAL = "monolingual"
# Donors that are in no cell: other text of the recipient, the donor's pieces in random order, the recipient's own text
# in other symbols.
OTHER, PIECES, RESPELLED = "other", "pieces", "respelled"
# A second phase on the recipient, and the kind of the model that it goes on from.
_DONOR_KIND = {"sequential": MONOLINGUAL, "frozen": MONOLINGUAL, "shuffled": PIECES, "self": OTHER, "clone": RESPELLED}


@dataclass(frozen=True, order=True)
class Cell:
    """One measurement.

    Attributes:
        protocol: `monolingual`, the protocol of the pair, a control, or `set`.
        donor: Code; empty for a monolingual model; `de+fi+hu` for a set.
        recipient: Code of the language it is scored on.
        seed: Replicate.
    """

    protocol: str
    donor: str
    recipient: str
    seed: int

    @property
    def label(self) -> str:
        """Readable name: `de_seed0`, `fi_de_seed0` (donor first), `joint_fi_de_seed0`; no code holds an underscore."""
        return _label(self.protocol, (self.donor.replace("+", "."), self.recipient), self.seed)


@dataclass(frozen=True)
class Text:
    """A text that a phase reads.

    Attributes:
        language: Code.
        part: `train`, or `other` for the control `self`.
        shuffled: The pieces in random order, for the control `shuffled`.
        respelled: Every piece written as another one, for the control `clone`.
    """

    language: str
    part: str = "train"
    shuffled: bool = False
    respelled: bool = False


@dataclass(frozen=True)
class Phase:
    """The training of a model, after what it goes on from.

    Attributes:
        texts: What it reads; several are mixed.
        epochs: Passes.
        share: Share of the passes that is read (`match = "total"`).
        trained: `all` weights, or `words`.
    """

    texts: tuple[Text, ...]
    epochs: int
    share: float = 1.0
    trained: str = "all"


@dataclass(frozen=True, order=True)
class Model:
    """One training.

    Attributes:
        kind: `monolingual`, a protocol, a control, `set`, or a donor of a control (`other`, `pieces`,
            `respelled`).
        languages: Donor and recipient; sorted codes where they are mixed; one code.
        seed: Replicate.
    """

    kind: str
    languages: tuple[str, ...]
    seed: int

    @property
    def label(self) -> str:
        """Readable name: `de_seed0`, `fi_de_seed0`, `joint_de_fi_seed0`, `set_de.fi.hu_seed0`."""
        names = (".".join(self.languages),) if self.kind == "set" else self.languages
        return _label(self.kind, names, self.seed)

    @property
    def recipient(self) -> str:
        """The language of the last phase; of those that are mixed the last by code."""
        return self.languages[-1]

    @property
    def donor_model(self) -> Model | None:
        """The model that it goes on from."""
        kind = _DONOR_KIND.get(self.kind)
        return Model(kind, self.languages[:1], self.seed) if kind else None

    @property
    def is_donor(self) -> bool:
        """Whether other models may go on from it, so that it is kept while the run goes on."""
        return self.kind in _DONOR_KIND.values()


def phase_of(model: Model, experiment: Experiment) -> Phase:
    """Return what a model is trained on in its own phase."""
    training, kind = experiment.training, model.kind
    if kind in ("joint", "set"):
        share = 1.0 if experiment.grid.match == "tokens" else 1.0 / len(model.languages)
        return Phase(tuple(map(Text, model.languages)), training.epochs, share)
    part = "other" if kind == OTHER else "train"
    text = Text(model.recipient, part, shuffled=kind == PIECES, respelled=kind == RESPELLED)
    if model.donor_model:
        return Phase((text,), training.epochs_bilingual, trained="words" if kind == "frozen" else "all")
    of_recipient = _epochs_of_recipient(experiment)
    return Phase((text,), {"equal": of_recipient, "longer": training.epochs + of_recipient}.get(kind, training.epochs))


def _epochs_of_recipient(experiment: Experiment) -> int:
    """Return the passes over t of the bilingual model of the first protocol that trains."""
    joint = _trained(experiment)[:1] == ["joint"]
    return experiment.training.epochs if joint else experiment.training.epochs_bilingual


def _trained(experiment: Experiment) -> list[str]:
    return [protocol for protocol in experiment.grid.protocols if protocol != "zero_shot"]


def model_of(cell: Cell) -> Model:
    """Return the model that a cell scores."""
    match cell.protocol:
        case "zero_shot":
            return Model(MONOLINGUAL, (cell.donor,), cell.seed)
        case "joint" | "set":
            codes = cell.donor.split("+") if cell.protocol == "set" else [cell.donor, cell.recipient]
            return Model(cell.protocol, tuple(sorted(codes)), cell.seed)
        case "monolingual" | "equal" | "longer":
            return Model(cell.protocol, (cell.recipient,), cell.seed)
        case _:
            return Model(cell.protocol, (cell.donor, cell.recipient), cell.seed)


def cells_of(experiment: Experiment) -> list[Cell]:
    """Return the cells of an experiment: the monolingual ones that it needs, the pairs, the controls, the sets.

    A pair has the seeds that both its languages have, a set those that all have.

    Raises:
        UsageError: The grid is empty.
    """
    grid, languages = experiment.grid, experiment.languages
    pairs = [
        (donor, recipient, seed)
        for donor, recipient in dict.fromkeys(_pairs(experiment))
        for seed in _seeds(experiment, (donor, recipient))
    ]
    if not pairs:
        raise UsageError("The grid is empty: no donor and recipient are left. Widen `grid` or name more languages.")
    paired = list(dict.fromkeys([*grid.protocols, *(["zero_shot"] if measures_zero_shot(experiment) else [])]))
    paired += ["shuffled"] if "shuffled" in grid.controls else []
    own = sorted({(code, seed) for donor, recipient, seed in pairs for code in (donor, recipient)})
    received = sorted({(recipient, seed) for _, recipient, seed in pairs})
    place = {language: index for index, language in enumerate(languages)}
    cells = [Cell(MONOLINGUAL, "", code, seed) for code, seed in own]
    cells += [Cell(protocol, *pair) for protocol in paired for pair in pairs]
    asked = (*grid.controls, experiment.scoring.baseline)  # F is relative to a control, or to M_t itself
    single = [control for control in ("self", "clone", "equal", "longer") if control in asked]
    single = single if _trained(experiment) else []  # zero-shot scores alone have nothing to be compared with
    cells += [Cell(control, code, code, seed) for control in single for code, seed in received]
    cells += [
        Cell("set", "+".join(sorted(codes)), code, seed)
        for codes in grid.sets
        for seed in _seeds(experiment, codes)
        for code in codes
    ]
    kinds = [MONOLINGUAL, *paired, "self", "clone", "equal", "longer", "set"]
    return sorted(
        dict.fromkeys(cells),
        key=lambda cell: (
            kinds.index(cell.protocol), cell.seed, place[cell.recipient], place.get(cell.donor, -1), cell.donor
        ),
    )  # fmt: skip


def measures_zero_shot(experiment: Experiment) -> bool:
    """Tell whether every M_s is scored on every recipient beside the protocols: it costs no training.

    Models that choose from the pieces of their own text alone have nothing to say of others.
    """
    return experiment.grid.zero_shot and experiment.training.candidates == "vocabulary"


def models_of(cells: list[Cell]) -> list[Model]:
    """Return the models that cells need, each after what it goes on from."""
    models: dict[Model, None] = {}
    for cell in cells:
        model = model_of(cell)
        if donor := model.donor_model:
            models[donor] = None
        models[model] = None
    return sorted(models, key=lambda model: not model.is_donor)  # stable: the order of the cells stays


def _pairs(experiment: Experiment) -> list[tuple[str, str]]:
    grid, languages = experiment.grid, experiment.languages
    return list(grid.pairs or ()) or [
        (donor, recipient)
        for recipient in languages
        if recipient in (grid.recipients or languages)
        for donor in languages
        if donor in (grid.donors or languages) and donor != recipient
    ]


def _seeds(experiment: Experiment, languages: tuple[str, ...]) -> list[int]:
    """Return the seeds that all these languages have."""
    return [s for s in experiment.seeds_of(languages[0]) if all(s in experiment.seeds_of(code) for code in languages)]


def _label(kind: str, names: tuple[str, ...], seed: int) -> str:
    prefix = () if kind in (MONOLINGUAL, "sequential") else (kind,)
    return "_".join(filter(None, (*prefix, *names, f"seed{seed}")))
