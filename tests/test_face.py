"""`import bloodbank as bb`: what it offers, and that it is quick."""

import ast
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import bloodbank as bb

OWN = {"BloodbankError", "UsageError"}  # imported at once


def names_for_type_checkers():
    """Name -> module and attribute, as the imports under TYPE_CHECKING say."""
    tree = ast.parse(Path(bb.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name: f"{node.module}.{alias.name}" for node in imports for alias in node.names}


def test_the_lists_of_names_agree():
    assert names_for_type_checkers() == bb._WHERE
    assert sorted([*bb._WHERE, *OWN]) == bb.__all__


def test_every_name_is_there_and_is_offered():
    assert dir(bb) == sorted([*bb.__all__, "__version__"])
    assert all(callable(getattr(bb, name)) for name in bb.__all__)
    assert bb.__version__ == version("bloodbank")
    with pytest.raises(AttributeError, match="module 'bloodbank' has no attribute 'absent'"):
        bb.absent  # noqa: B018


def test_importing_it_loads_nothing():
    code = "import sys, bloodbank; sys.exit(bool({'numpy', 'pandas', 'pydantic', 'rich'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
