import dataclasses
import errno
import importlib.util
import os
from pathlib import Path

import pytest

import bloodbank as bb
from bloodbank.errors import BloodbankError, UsageError
from bloodbank.explorer import page as writing
from bloodbank.explorer.schema import PageData
from bloodbank.typology import load_features
from explorer.made_pages import CODES, lone_bank, small_bank
from shared_data import shared_data


@pytest.fixture(autouse=True)
def plain_page(monkeypatch):
    """The page is its data alone: what is around them has tests of its own."""
    monkeypatch.setattr(writing, "page_html", lambda data: data.model_dump_json())


def content_of(path):
    return PageData.model_validate_json(path.read_text(encoding="utf-8"))


def test_it_writes_one_file_and_says_where(tmp_path):
    path = bb.explore(small_bank(), str(tmp_path / "a" / "b" / "page.html"), title="Mine")
    assert path == tmp_path / "a" / "b" / "page.html"
    assert [one.name for one in path.parent.iterdir()] == ["page.html"]
    assert content_of(path).title == "Mine"


def test_it_replaces_what_was_there(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")
    bb.explore(
        [small_bank(), small_bank(name="other")], path, compare_with=small_bank(("hu", "fi", "sv"), name="third")
    )
    content = content_of(path)
    assert [view.bank for view in content.views] == ["small", "other"]
    assert content.comparison.b == "third"


def test_features_come_from_a_folder(tmp_path):
    folder = shared_data("wals", "cldf")
    first = content_of(bb.explore(small_bank(), tmp_path / "a.html", features=folder))
    second = content_of(bb.explore(small_bank(), tmp_path / "b.html", features=str(folder)))
    third = content_of(bb.explore(small_bank(), tmp_path / "c.html", features=load_features(CODES, folder)))
    assert first.typology == second.typology == third.typology
    assert "World Atlas" in first.typology.source


def test_a_wrong_folder_of_features_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="No folder"):
        bb.explore(small_bank(), tmp_path / "page.html", features=tmp_path / "nowhere")
    assert not (tmp_path / "page.html").exists()


def test_without_a_folder_urielplus_is_used_where_it_is(tmp_path):
    pytest.importorskip("urielplus")
    content = content_of(bb.explore(small_bank(), tmp_path / "page.html"))
    assert content.typology.source.startswith("URIEL")
    assert all(any(one is not None for one in feature.of) for feature in content.typology.features)


def test_without_urielplus_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(
        writing, "find_spec", lambda name: None if name == "urielplus" else importlib.util.find_spec(name)
    )
    content = content_of(bb.explore(small_bank(), tmp_path / "page.html"))
    assert content.typology is None
    assert "urielplus (URIEL) is not installed" in content.typology_missing


def test_a_broken_urielplus_is_no_error(tmp_path, monkeypatch):
    def broken(codes):
        raise UsageError("features.npz is gone.")

    monkeypatch.setattr(writing, "load_features", broken)
    content = content_of(bb.explore(small_bank(), tmp_path / "page.html"))
    assert content.typology_missing.endswith("URIEL cannot be read: features.npz is gone.")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(UsageError, match=r"is a folder. Give the name of the file"):
        bb.explore(small_bank(), tmp_path)


def test_a_file_where_a_folder_is_needed_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="A file stands where a folder is needed"):
        bb.explore(small_bank(), tmp_path / "file" / "page.html")


@pytest.mark.parametrize("error", [errno.EACCES, errno.ENOSPC, errno.EROFS])
def test_a_disk_that_refuses_is_said(tmp_path, monkeypatch, error):
    def refuse(*_, **__):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(BloodbankError, match=f"cannot write .*{os.strerror(error)}"):
        bb.explore(small_bank(paragraphs=False), tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    path.write_text("old")

    def full(data):
        raise BloodbankError("no room")

    monkeypatch.setattr(writing, "page_html", full)
    with pytest.raises(BloodbankError):
        bb.explore(small_bank(), path)
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["page.html"]


def test_banks_without_common_languages_are_an_error(tmp_path):
    with pytest.raises(UsageError, match="small and other have 0 languages in common"):
        bb.explore(small_bank(("de", "fi")), tmp_path / "p.html", compare_with=small_bank(("hu", "ru"), name="other"))


def test_half_a_letter_is_said(tmp_path):
    bank = dataclasses.replace(small_bank(), name="a\ud800")
    with pytest.raises(UsageError, match="is no text that can be written"):
        bb.explore(bank, tmp_path / "page.html")


def test_no_bank_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="There is no bank to show"):
        bb.explore([], tmp_path / "page.html")


def test_one_language_can_be_written(tmp_path):
    content = content_of(bb.explore(lone_bank(), tmp_path / "page.html", features=shared_data("wals", "cldf")))
    assert [one.code for one in content.languages] == ["fi"]
    assert content.typology.features
