"""The sets that are pretrained on: the paper's four on any bank, given ones, random ones."""

import pandas as pd
import pytest

from bloodbank.downstream.configurations import CONTROL, LEAST, MOST, RANDOM, make_design
from bloodbank.errors import UsageError
from bloodbank.experiment.downstream_settings import DownstreamSettings

# D falls from a to j, R falls from j to a.
CODES = list("abcdefghij")
SCORES = pd.DataFrame({"donation": range(10, 0, -1), "recipience": range(1, 11)}, index=CODES, dtype=float)


def design(**settings):
    return make_design(SCORES, DownstreamSettings.model_construct(**DownstreamSettings().model_dump() | settings))


def test_table_2_of_the_paper():
    found = design(set_size=2, recipient_size=2)
    by_name = {one.name: one for one in found.configurations}
    assert list(by_name) == [CONTROL, MOST, RANDOM, LEAST]
    assert by_name[MOST].added == ("a", "b")
    assert by_name[LEAST].added == ("j", "i"), "the least donating pick before the recipients"
    assert found.most_recipient == ("h", "g")
    assert found.least_recipient == ("c", "d")
    assert found.downstream == ("h", "g", "c", "d")
    assert by_name[CONTROL].languages == ("c", "d", "g", "h")
    assert set(by_name[RANDOM].added) == {"e", "f"}
    added = [code for one in found.configurations for code in one.added]
    assert len(set(added) | set(found.downstream)) == 10, "all disjoint"
    for one in found.configurations[1:]:
        assert set(one.languages) == {*one.added, *found.downstream}
    assert found.reasons["most_donating"][0].startswith("a: D = +10.00")
    table = found.table()
    assert table.loc[1].tolist() == [MOST, "a b", "a b c d g h", 6]


def test_sets_that_are_given_are_taken():
    found = design(set_size=1, recipient_size=2, most_recipient=("a", "b"), random=("c", "d"))
    assert found.most_recipient == ("a", "b")
    by_name = {one.name: one for one in found.configurations}
    assert by_name[RANDOM].added == ("c", "d")
    assert by_name[MOST].added == ("e",), "what is given is not free for others"


def test_excluded_languages_are_in_no_set():
    found = design(set_size=1, recipient_size=2, exclude=("a", "j"))
    assert not {"a", "j"} & {code for one in found.configurations for code in one.languages}


def test_random_sets_are_different_and_outside_c():
    found = design(set_size=2, recipient_size=2, random_sets=8)
    more = [one for one in found.configurations if one.kind == "random"]
    assert len({frozenset(one.added) for one in found.configurations[1:]}) == 3 + 8
    assert not {code for one in more for code in one.added} & set(found.downstream)
    assert found == design(set_size=2, recipient_size=2, random_sets=8)
    assert [one.added for one in more] != [
        one.added
        for one in design(set_size=2, recipient_size=2, random_sets=8, random_seed=1).configurations
        if one.kind == "random"
    ]


def test_more_sets_are_exactly_those_languages():
    found = design(set_size=1, recipient_size=2, more_sets={"C and nothing": ("g", "c", "h")})
    assert found.configurations[-1].languages == ("c", "g", "h")
    assert found.configurations[-1].kind == "given"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"set_size": 3, "recipient_size": 3}, "languages are left for least recipient"),
        ({"most_recipient": ("q",)}, "the bank has no q"),
        ({"set_size": 2, "recipient_size": 2, "random_sets": 20}, "only 12 more different sets of 2"),
        ({"set_size": 1, "recipient_size": 1, "more_sets": {CONTROL: ("a",)}}, "the name of another configuration"),
    ],
)
def test_what_cannot_be_chosen_is_said(settings, said):
    with pytest.raises(UsageError, match=said):
        design(**settings)
