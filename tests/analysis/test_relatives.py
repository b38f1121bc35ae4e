"""Where relatives stand among donors: by hand, in planted banks, and by every relabelling."""

import itertools

import numpy as np
import pandas as pd
import pytest

from bloodbank.analysis.relatives import CELLS, DEPARTURES, relatives
from bloodbank.canvas import drawing
from bloodbank.figures.relatives import relatives_caption, relatives_figure
from bloodbank.typology import relations
from bloodbank.typology.features import Features

NONE = "no features were given"
CODES = ["de", "en", "fi", "et", "hi", "ne", "ta", "te"]  # by sort: de en et fi hi ne ta te


@pytest.fixture(autouse=True)
def only_topmost_groups(monkeypatch):
    """Families of the table of languages, whether urielplus is installed or not."""

    def absent():
        raise relations.UsageError("not installed")

    monkeypatch.setattr(relations, "read_clades", absent)


def features_of(codes, values):
    categories = pd.DataFrame(values, index=pd.Index(codes, name="language"), dtype=object)
    return Features(
        categories, pd.Series(categories.columns, categories.columns), pd.DataFrame(index=codes), "made up", "", ""
    )


def planted(sign, *, n=8, random=0, additive=False):
    """F that is higher (sign 1) or lower (sign -1) between languages of one family; with strong donor effects."""
    codes = sorted(CODES)[:n]
    near = relations.relations(codes, NONE).nearness["family"].to_numpy()
    rng = np.random.default_rng(random)
    cells = 0.01 * rng.normal(size=(n, n)) + sign * 0.2 * np.nan_to_num(near)
    return cells + additive * 0.2 * rng.permutation(n)[:, None], codes


def test_places_by_hand(bank_of):
    # de and en are Indo-European, fi and et Uralic; to en de gives most, to de en gives least
    cells = pd.DataFrame(
        [[0, 0.9, 0.1, 0.5], [0.1, 0, 0.2, 0.1], [0.2, 0.3, 0, 0.4], [0.3, 0.4, 0.3, 0]],
        index=["de", "en", "et", "fi"], columns=["de", "en", "et", "fi"],
    )  # fmt: skip
    found = relatives(bank_of(cells.to_numpy(), list(cells)), NONE)
    table = found.table.set_index("recipient")
    assert set(table["kind"]) == {"family"}
    assert table["relatives"].to_dict() == {"de": ("en",), "en": ("de",), "et": ("fi",), "fi": ("et",)}
    assert table["place"].to_dict() == {"de": 0.0, "en": 1.0, "et": 1.0, "fi": 0.5}
    assert table["rank"].to_dict() == {"de": 3.0, "en": 1.0, "et": 1.0, "fi": 2.0}
    assert (table["n_donors"] == 3).all()
    row = found.tests.loc[("family", CELLS)]
    assert (row["place"], row["rank"], row["n_first"], row["n"]) == (0.625, 1.75, 2, 4)
    # relabelling two pairs of relatives: each of the 3 ways to pair four languages is equally likely
    places = (cells.mask(np.eye(4, dtype=bool)).rank() - 1) / 2
    ways = []
    for order in itertools.permutations(range(4)):
        partner = dict(zip(order, (order[1], order[0], order[3], order[2]), strict=True))
        ways.append(np.mean([places.iloc[partner[recipient], recipient] for recipient in range(4)]))
    far = np.abs(np.array(ways) - np.mean(ways))
    assert row["expected"] == pytest.approx(np.mean(ways))
    assert row["p"] == pytest.approx(np.mean(far >= far[0] - 1e-12))


@pytest.mark.parametrize(("sign", "word"), [(1, "more"), (-1, "less")])
@pytest.mark.parametrize("additive", [False, True])
def test_relatives_that_give_more_or_less_are_said_to(bank_of, sign, word, additive):
    cells, codes = planted(sign, additive=additive)
    found = relatives(bank_of(cells, codes), NONE)
    said = " ".join(found.sentences())
    assert f"after donor and recipient effects {word} than others" in said
    assert found.tests.loc[("family", DEPARTURES), "p"] < 0.01
    if not additive:
        assert f"Relatives give {word} than others: the donor that is nearest by family tree stands" in said
        assert found.tests.loc[("family", CELLS), "p"] < 0.01


def test_where_relatives_are_as_others_nothing_is_decided(bank_of):
    ps = [
        relatives(bank_of(*planted(0, random=random)), NONE, n_permutations=199).tests.loc[("family", CELLS), "p"]
        for random in range(40)
    ]
    assert np.mean(np.array(ps) <= 0.05) <= 0.15
    found = relatives(bank_of(*planted(0, random=3)), NONE)
    assert "is undecided: it stands at place" in found.sentences()[0]


def test_the_order_of_languages_changes_nothing(bank_of):
    cells, codes = planted(1)
    order = np.random.default_rng(1).permutation(8)
    one = relatives(bank_of(cells, codes), NONE)
    other = relatives(bank_of(cells[np.ix_(order, order)], [codes[place] for place in order]), NONE)
    pd.testing.assert_frame_equal(one.tests, other.tests)


def test_relatives_by_typology_are_those_that_are_most_alike(bank_of):
    codes = ["de", "en", "fi", "hu", "ru"]
    values = np.full((5, 12), "no", dtype=object)
    values[0, :6] = values[1, :5] = "yes"  # de and en differ in one
    values[2, 6:] = values[3, 6:] = "yes"  # fi and hu in none
    values[4] = None
    cells = 0.01 * np.random.default_rng(0).normal(size=(5, 5))
    found = relatives(bank_of(cells, codes), features_of(codes, values))
    own = found.table[found.table["kind"] == "typology"].set_index("recipient")["relatives"]
    assert own.to_dict() == {"de": ("en",), "en": ("de",), "fi": ("hu",), "hu": ("fi",)}
    assert found.without["typology"] == ("ru",)
    assert "Without a donor that is known to be related: ru (by made up)." in found.sentences()


def test_what_is_not_possible_says_why(bank_of):
    two = relatives(bank_of([[0, 0.1], [0.2, 0]], ["de", "en"]), NONE)
    assert two.sentences() == [
        "Whether the donor that is nearest by family tree gives most: not possible, because 2 languages are fewer than "
        "4.",
        "Whether the donor that is most alike in typology gives most: not possible, because nothing is known of these "
        "languages (no features were given).",
    ]
    cells = np.random.default_rng(0).normal(size=(4, 4)) / 10
    strangers = relatives(bank_of(cells, ["fi", "ja", "ko", "zh"]), NONE)
    assert "because no recipient has a relative among its donors" in strangers.sentences()[0]
    family = relatives(bank_of(cells, ["de", "en", "fr", "ru"]), NONE)
    assert "because whoever is related to whom, the mean place is the same" in family.sentences()[0]
    gives = np.repeat(np.arange(8.0)[:, None], 8, axis=1) + 0.01 * planted(1)[0]  # the order of donors is one for all
    one_order = relatives(bank_of(gives, planted(1)[1]), NONE)
    assert "the mean place is the same; after donor and recipient effects more than others" in one_order.sentences()[0]
    with drawing():
        assert relatives_figure(strangers, "4 languages").axes
    assert "No relative is known" in relatives_caption(strangers)


def test_the_figure_marks_relatives_at_their_f(bank_of):
    cells, codes = planted(1)
    found = relatives(bank_of(cells, codes), NONE)
    with drawing():
        (axes,) = relatives_figure(found, "8 languages").axes
    marked = [line for line in axes.lines if line.get_marker() == "D"]
    assert len(marked) == 8
    drawn = sorted(float(x) for line in marked for x in line.get_xdata())
    expected = [
        100 * found.cells.loc[donor, recipient]
        for recipient, donors in found.table[["recipient", "relatives"]].itertuples(index=False)
        for donor in donors
    ]
    assert drawn == pytest.approx(sorted(expected))
    assert "8 recipients" in relatives_caption(found)
