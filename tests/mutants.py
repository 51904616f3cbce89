"""Change one operator or constant at a time and run the tests of its package: what no test notices is printed.

    python tests/mutants.py --count 20 --seed 1 rules planning

Each change is made in a copy of the checkout, after its tests have passed there. A change is caught if a test fails or
takes far too long. Exits with 1 where fewer than nine in ten are caught, with 2 where tests fail without a change.
docs/mutants.md lists what was looked at.
"""

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parents[1]
# The folders of tests that answer for a package.
TESTS = {
    "rules": ["rules", "judging"],
    "judging": ["judging"],
    "planning": ["planning"],
    "records": ["records", "planning"],
    "training": ["training"],
    "data": ["data"],
    "compression": ["compression", "running"],
}
ENOUGH = 0.9
LONGEST = 1200  # seconds of a package's tests

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


class Mutant(NamedTuple):
    """One change: a part of a file, by line and byte from 0, and what takes its place."""

    path: Path
    line: int
    start: int
    last_line: int
    end: int
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line + 1}: {self.before}  ->  {self.after}"

    def applied(self, source: bytes) -> bytes:
        """The file's content with the change."""
        lines = source.splitlines(keepends=True)
        head, tail = lines[self.line][: self.start], lines[self.last_line][self.end :]
        return b"".join([*lines[: self.line], head, self.after.encode(), tail, *lines[self.last_line + 1 :]])


def mutants(path: Path) -> list[Mutant]:
    """All changes to one file of the checkout, `path` being relative to it."""
    source = (CHECKOUT / path).read_text(encoding="utf-8")
    found = []
    for node in nodes(ast.parse(source)):
        after = changed(node)
        if after is not None:
            assert isinstance(node, ast.expr)
            before = ast.get_source_segment(source, node) or ""
            assert node.end_lineno is not None
            assert node.end_col_offset is not None
            place = (node.lineno - 1, node.col_offset, node.end_lineno - 1, node.end_col_offset)
            found.append(Mutant(path, *place, " ".join(before.split()), after))
    return found


def nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a program that run and can be changed: no annotations, and nothing inside of f-strings."""
    yield node
    if isinstance(node, ast.JoinedStr):
        return
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from nodes(child)


def changed(node: ast.AST) -> str | None:
    """What takes an expression's place; None where it is not changed."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return f"({ast.unparse(ast.Compare(node.left, [SWAPS[type(node.ops[0])]()], node.comparators))})"  # type: ignore
    # A path takes no other operator: any test would notice.
    path = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and holds_text(node.right)
    if isinstance(node, ast.BinOp) and type(node.op) in SWAPS and not path:
        return f"({ast.unparse(ast.BinOp(node.left, SWAPS[type(node.op)](), node.right))})"  # type: ignore
    if isinstance(node, ast.BoolOp):
        return f"({ast.unparse(ast.BoolOp(SWAPS[type(node.op)](), node.values))})"  # type: ignore
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return f"({ast.unparse(node.operand)})"
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            return str(not node.value)
        if isinstance(node.value, int | float):
            return repr(node.value + 1)
    return None


def holds_text(node: ast.expr) -> bool:
    """Whether an expression is a string."""
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def test_files(package: str, path: Path) -> list[str]:
    """The test files of a package, those first that name the module."""
    files = [file for name in TESTS[package] for file in sorted((CHECKOUT / "tests" / name).glob("test_*.py"))]
    files.sort(key=lambda file: path.stem not in file.read_text(encoding="utf-8"))
    return [str(file.relative_to(CHECKOUT)) for file in files]


def copy_of_checkout(folder: Path) -> None:
    """Copy what git knows, and what it would: not the environment, not the images."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=CHECKOUT, check=True, capture_output=True, text=True
    )
    for name in listed.stdout.splitlines():
        if (CHECKOUT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, folder / name)


def caught(files: list[str], folder: Path) -> bool:
    """Whether a test fails in a copy of the checkout, or does not end."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--timeout", "300", *files]
    images = os.environ.get("REPRO_DATA", str(CHECKOUT / ".data"))
    environment = os.environ | {"PYTHONPATH": str(folder), "REPRO_DATA": images, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        return True
    return ended.returncode != 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", choices=[*TESTS, []], help="Default: all.")
    parser.add_argument("--count", type=int, default=10, help="Changes to each package (default: 10).")
    parser.add_argument("--seed", type=int, default=0, help="Of the choice of changes.")
    asked = parser.parse_args()
    survivors, total = [], 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_of_checkout(folder)
        for package in asked.packages or TESTS:
            paths = sorted((CHECKOUT / "repro" / package).rglob("*.py"))
            sites = [mutant for path in paths for mutant in mutants(path.relative_to(CHECKOUT))]
            if caught(test_files(package, paths[0]), folder):
                print(f"{package}: its tests fail as they are")
                return 2
            for mutant in random.Random(asked.seed).sample(sites, min(asked.count, len(sites))):
                source = (folder / mutant.path).read_bytes()
                (folder / mutant.path).write_bytes(mutant.applied(source))
                noticed = caught(test_files(package, mutant.path), folder)
                (folder / mutant.path).write_bytes(source)
                total += 1
                survivors += [] if noticed else [mutant]
                print("caught  " if noticed else "SURVIVED", mutant, flush=True)
    print(f"{total - len(survivors)} of {total} caught")
    return 0 if len(survivors) <= (1 - ENOUGH) * total else 1


if __name__ == "__main__":
    sys.exit(main())
