"""How near languages are: the family tree of a made-up package and of the installed one, the table, the map."""

import numpy as np
import pandas as pd
import pytest

from bloodbank.errors import UsageError
from bloodbank.typology import load_features, relations
from bloodbank.typology.uriel import read_clades

NONE = "no features were given"


def package(folder):
    """A made-up urielplus whose tree has de and en in West Germanic, sv in Germanic, and says nothing of Greek."""
    groups = ["F_Indo-European", "F_Germanic", "F_West Germanic"]
    members = {"deu": (1, 1, 1), "eng": (1, 1, 1), "swe": (1, 1, 0), "fin": (0, 0, 0)}
    (folder / "database" / "original_uriel").mkdir(parents=True)
    (folder / "database" / "urielplus_csvs").mkdir()
    np.savez(
        folder / "database" / "original_uriel" / "family_features.npz",
        feats=np.array(groups), data=np.array(list(members.values()), dtype=np.float32)[:, :, None],
        sources=np.array(["FAM"]), langs=np.array(list(members)),
    )  # fmt: skip
    text = "iso_code,glottocode\n" + "".join(f"{code},\n" for code in members)
    (folder / "database" / "urielplus_csvs" / "uriel_glottocode_map.csv").write_text(text)
    return folder


def test_groups_of_the_tree_that_two_languages_share_are_counted(tmp_path, monkeypatch):
    tree = read_clades(folder=package(tmp_path))
    assert set(tree.known["value"]) == {"yes"}
    assert tree.names["F_West Germanic"] == "West Germanic"
    monkeypatch.setattr(relations, "read_clades", lambda: tree)
    family = relations.relations(["de", "en", "sv", "el", "fi", "eo", "x-toy"], NONE).nearness["family"]
    expected = {("de", "en"): 3, ("de", "sv"): 2, ("en", "sv"): 2, ("de", "el"): 1, ("el", "sv"): 1, ("de", "fi"): 0}
    for (one, other), n in expected.items():
        assert family.loc[one, other] == family.loc[other, one] == n
    assert family[["eo", "x-toy"]].isna().all(axis=None)  # a made language descends from none, and one is not known
    assert np.isnan(np.diag(family)).all()


def test_without_the_package_topmost_groups_are_all(monkeypatch):
    def absent():
        raise UsageError("not installed")

    monkeypatch.setattr(relations, "read_clades", absent)
    near = relations.relations(["de", "sv", "fi"], NONE)
    assert near.nearness["family"].loc["de"].to_dict() == {"de": pytest.approx(np.nan, nan_ok=True), "sv": 1, "fi": 0}
    assert "finer ones need the package urielplus" in near.sources["family"]


def test_scripts_and_the_map():
    near = relations.relations(["de", "fi", "ru", "x-toy"], NONE)
    script, apart = near.nearness["script"], -near.nearness["map"]
    assert (script.loc["de", "fi"], script.loc["de", "ru"]) == (1, 0)
    assert np.isnan(script.loc["de", "x-toy"])
    # by the law of cosines, from the coordinates of the table
    from bloodbank.languages import get_language

    (a, b), (c, d) = (np.radians([get_language(code).latitude, get_language(code).longitude]) for code in ("de", "ru"))
    angle = np.arccos(np.sin(a) * np.sin(c) + np.cos(a) * np.cos(c) * np.cos(b - d))
    assert apart.loc["de", "ru"] == pytest.approx(6371 * angle)
    assert near.nearness["typology"].isna().all(axis=None)
    assert near.sources["typology"] == NONE


def test_the_tree_as_installed():
    pytest.importorskip("urielplus")
    codes = ["es", "it", "fr", "de", "sv", "fi", "et", "hu", "zh"]
    near = relations.relations(codes, load_features(codes))
    family = near.nearness["family"]
    assert family["es"].idxmax() == "fr"
    assert family["it"].drop(["es", "fr"]).max() == family.loc["it", "de"] < family.loc["it", "fr"]
    assert family["fi"].idxmax() == "et"
    assert (family.loc["hu", "fi"], family["zh"].max()) == (1, 0)
    typology = near.nearness["typology"]
    assert ((typology <= 0) | typology.isna()).all(axis=None)
    pd.testing.assert_frame_equal(typology, typology.T, check_names=False)
