"""The sums, means and orders that the page works out itself, against Python's."""

import numpy as np
import pandas as pd
import pytest
from browser import set_state

import bloodbank as bb
from bloodbank.bank.scores import blood_types, donation, recipience
from bloodbank.explorer.content import page_data


@pytest.fixture(scope="module")
def help_books():
    return bb.load_bank("help-books")


@pytest.fixture(scope="module")
def content(help_books):
    return page_data(help_books)


def random_finetune(rng, n, missing):
    cells = rng.normal(0, 0.3, (n, n))
    cells[rng.random((n, n)) < missing] = np.nan
    np.fill_diagonal(cells, np.nan)
    codes = [f"x-l{i}" for i in range(n)]
    return pd.DataFrame(cells, index=codes, columns=codes)


def plain(table):
    return [[None if np.isnan(x) else x for x in row] for row in table.to_numpy(dtype=float)]


def same(found, expected):
    if expected is None or (isinstance(expected, float) and np.isnan(expected)):
        return found is None
    return found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("missing", [0, 0.15, 0.7, 1])
def test_sums_of_100_random_selections_are_those_of_python(open_page, content, missing):
    page = open_page(content, drawing=False)
    rng = np.random.default_rng(round(100 * missing))
    for _ in range(25):
        table = random_finetune(rng, int(rng.integers(1, 15)), missing)
        found = page.evaluate("(f) => [bloodbank.scores.donation(f), bloodbank.scores.recipience(f)]", plain(table))
        for scores, expected in zip(found, (donation(table), recipience(table)), strict=True):
            for row, (_, wanted) in zip(scores, expected.iterrows(), strict=True):
                assert same(row["value"], None if len(table) == 1 else wanted["sum"])
                assert same(row["mean"], wanted["mean"])
                assert row["complete"] == wanted["complete"]


def test_sums_over_chosen_languages_are_those_of_the_smaller_matrix(open_page, content, help_books):
    page = open_page(content, drawing=False)
    rng = np.random.default_rng(5)
    for _ in range(10):
        chosen = [str(code) for code in rng.choice(help_books.languages, int(rng.integers(2, 12)), replace=False)]
        set_state(page, chosen=chosen, sums="chosen")
        kept = [code for code in help_books.languages if code in chosen]
        part = help_books.finetune_scores.loc[kept, kept]
        nodes = page.evaluate(
            "(() => { const m = bloodbank.model.current(); return m.nodes.map((node, i) => "
            "[node.code, m.donation[i].value, m.recipience[i].value, node.type]) })()"
        )
        gives, takes = donation(part)["sum"], recipience(part)["sum"]
        types = blood_types(gives, takes)
        assert [node[0] for node in nodes] == kept
        for code, d, r, kind in nodes:
            assert d == pytest.approx(gives[code], rel=1e-4, abs=1e-4)  # the page has six digits of F
            assert r == pytest.approx(takes[code], rel=1e-4, abs=1e-4)
            assert kind == types[code]


def test_a_seed_is_shown_as_the_replicate_that_it_is(open_page, content, help_books):
    page = open_page(content, drawing=False)
    for seed, table in help_books.replicates.items():
        set_state(page, seed=str(seed))
        found = page.evaluate(
            "(() => { const m = bloodbank.model.current();"
            " return [m.finetune, m.donation.map((d) => d.value), m.low] })()"
        )
        cells = np.array(found[0], dtype=float)
        np.testing.assert_allclose(cells, table.to_numpy(), rtol=1e-5)
        np.testing.assert_allclose(
            np.array(found[1], dtype=float), donation(table)["sum"].to_numpy(), rtol=1e-4, atol=1e-4
        )
        assert found[2] is None, "there is no interval of a single seed"


def test_groups_have_the_means_of_the_pairs_in_them(open_page, content, help_books):
    page = open_page(content, "collapse=1&feature=@family", drawing=False)
    labels, cells = page.evaluate(
        "(() => { const m = bloodbank.model.current(); return [m.nodes.map((node) => node.label), m.finetune] })()"
    )
    families = pd.Series({one.code: one.family for one in content.languages})
    table = help_books.finetune_scores.rename_axis(index="s", columns="t").reset_index()
    long = table.melt(id_vars="s", var_name="t", value_name="f").dropna()
    expected = long.groupby([long["s"].map(families), long["t"].map(families)])["f"].mean()
    for i, donor in enumerate(labels):
        for j, recipient in enumerate(labels):
            assert (
                same(cells[i][j], None)
                if (donor, recipient) not in expected
                else cells[i][j] == pytest.approx(expected[donor, recipient], abs=1e-5)
            )
    assert "Uralic" in labels
    assert len(labels) == families.nunique()


def shown_order(page, **state):
    set_state(page, **state)
    return page.evaluate(
        "(() => { const m = bloodbank.model.current(); return m.order.map((i) => m.nodes[i].code) })()"
    )


def test_orders(open_page, content, help_books):
    page = open_page(content, "order=name", drawing=False)
    bank = help_books
    assert shown_order(page, order="donation") == bank.ranking
    by_recipience = list(bank.recipience.sort_values(ascending=False).index)
    assert shown_order(page, order="recipience") == by_recipience
    names = {one.code: one.name for one in content.languages}
    assert shown_order(page, order="name") == sorted(names, key=names.get)
    families = {one.code: (one.family, one.name) for one in content.languages}
    assert shown_order(page, order="family") == sorted(families, key=families.get)
    assert shown_order(page, order="bank") == list(bank.languages)
    gives = bank.finetune_scores.loc["el"].dropna().sort_values(ascending=False)
    assert shown_order(page, order="gives", focus="el") == ["el", *gives.index]
    takes = bank.finetune_scores["el"].dropna().sort_values(ascending=False)
    assert shown_order(page, order="takes", focus="el") == ["el", *takes.index]
    clusters = [content.languages[place].code for place in content.views[0].clusters["both"]]
    assert shown_order(page, order="cluster") == clusters
    few = ["tr", "de", "hu", "ru"]
    assert shown_order(page, order="cluster", chosen=few) == [code for code in clusters if code in few]
    assert shown_order(page, order="gives", chosen=few)[0] != "el", "a focus that is not shown orders nothing"


def test_numbers_are_written_as_people_read_them(open_page, content):
    page = open_page(content, drawing=False)
    written = page.evaluate(
        "(() => { const f = bloodbank.format; return [f.signed(-0.001), f.signed(-0), f.signed(0.5), f.signed(-0.5),"
        " f.signed(null), f.percent(-0.004), f.percent(0.256), f.share(0.043), f.share(0), f.plain(12345.6),"
        " f.plain(0.12345), f.plain(NaN), f.interval(-0.1, 0.2), f.interval(null, 1)] })()"
    )
    assert written == [
        "0.00", "0.00", "+0.50", "−0.50", "–", "0%", "+26%", "4.3%", "0%", "12,346", "0.123", "–", "−0.10 to +0.20",
        "not known",
    ]  # fmt: skip
