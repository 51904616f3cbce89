"""The drawing of imports in docs/architecture.md is that of the code; run as a program, this file renews it."""

import re
from pathlib import Path

import grimp

CHECKOUT = Path(__file__).resolve().parents[1]
DOCUMENT = CHECKOUT / "docs" / "architecture.md"
PLACE = re.compile(r"(<!-- imports -->\n).*?(<!-- /imports -->)", re.DOTALL)


def drawing() -> str:
    """The packages of `repro` and their imports as a Mermaid graph, without arrows that follow from others."""
    graph = grimp.build_graph("repro", exclude_type_checking_imports=True)
    packages = sorted(name for name in graph.find_children("repro") if name != "repro.__main__")
    for name in packages:
        graph.squash_module(name)
    below = {name: graph.find_modules_directly_imported_by(name) & set(packages) - {name} for name in packages}

    def reached(name: str) -> set[str]:
        return below[name].union(*map(reached, below[name]))

    arrows = [
        f"  {name.split('.')[1]} --> {other.split('.')[1]}"
        for name in packages
        for other in sorted(below[name])
        if not any(other in reached(third) for third in below[name] - {other})
    ]
    return "\n".join(["```mermaid", "graph TD", *arrows, "```", ""])


def renewed(text: str) -> str:
    return PLACE.sub(lambda match: match[1] + drawing() + match[2], text)


def test_the_drawing_of_imports_is_current():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert renewed(text) == text, "run `python tests/test_architecture.py`"


def test_every_package_is_described():
    text = DOCUMENT.read_text(encoding="utf-8")
    for path in (CHECKOUT / "repro").iterdir():
        name = path.stem
        if not name.startswith("_") and (path.suffix == ".py" or (path / "__init__.py").is_file()):
            assert f"`{name}`" in text


if __name__ == "__main__":
    DOCUMENT.write_text(renewed(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
