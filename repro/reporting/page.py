"""results/index.html: one file with everything, which opens from disk and asks for nothing from elsewhere."""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from repro.config.claims import OUTCOMES, Claim
from repro.config.specification import Budget, Run
from repro.judging.evidence import value
from repro.judging.verdicts import Verdict
from repro.records import Record, Store
from repro.reporting import style, tables
from repro.reporting.figures.common import first_protocol
from repro.reporting.figures.curves import trained
from repro.reporting.summary import Section, benchmarks, by_evidence, central_table, counted, duration, open_questions
from repro.reporting.table import DASH

TEMPLATES = Path(__file__).parent / "templates"

# A verdict is told by a mark and a word, never by its colour alone.
OUTCOME: dict[str, dict[str, Any]] = {
    name: {"name": name, "mark": mark, "css": css, "shape": shape, "order": order}
    for order, (name, mark, css, shape) in enumerate(
        zip(
            OUTCOMES,
            ("\N{CHECK MARK}", "\N{CIRCLE WITH LEFT HALF BLACK}", "\N{MULTIPLICATION X}", "?", DASH),
            ("good", "half", "bad", "open", "none"),
            ("dot", "square", "cross", "ring", "ring"),
            strict=True,
        )
    )
}


def render(sections: list[Section], results: Path, store: Store, data_dir: Path) -> str:
    """The page as HTML; the same records give the same bytes."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    claims = [
        claim_row(section, claim, verdict)
        for section in sections
        for claim, verdict in zip(section.experiment.claims, section.verdicts, strict=True)
    ]
    records = {record.identity: record for section in sections for record in section.records}
    curves = {section.experiment.name: learning_curves(section, store) for section in sections if section.records}
    drawings = Drawings()
    views = [section_view(section, results, store, data_dir, drawings) for section in sections]
    page = environment.get_template("page.html").render(
        css=Markup((TEMPLATES / "page.css").read_text() + drawings.css()),
        js=Markup((TEMPLATES / "page.js").read_text()),
        summary=counted([verdict for section in sections for verdict in section.verdicts]),
        outcomes=list(OUTCOME.values()),
        outcome_of=OUTCOME,
        by_evidence=by_evidence(sections),
        central=central_table(sections),
        sources=sorted({claim["source"] for claim in claims}),
        claims=claims,
        forest=forest(sections),
        sections=views,
        runs_total=len(records),
        time_total=duration(sum(record.seconds for record in records.values())),
        curves=script_safe(curves),
        runs=script_safe(run_tables(sections, store)),
        questions=open_questions(section.experiment for section in sections),
        benchmarks=benchmarks(results),
    )
    return "\n".join(line for line in map(str.strip, page.splitlines()) if line) + "\n"


def script_safe(content: Any) -> Markup:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))


def claim_row(section: Section, claim: Claim, verdict: Verdict) -> dict[str, Any]:
    """A claim and its verdict, put into words."""
    stated = claim.published if claim.published is not None else claim.effect
    ps = {"p": verdict.p, "after Holm": verdict.holm_p, "by ranks": verdict.rank_p}
    return {
        "id": claim.id,
        "experiment": section.experiment.name,
        "source": claim.source,
        "place": claim.place,
        "statement": claim.statement,
        "type": claim.type,
        "margin": number(claim.margin),
        "published": DASH if stated is None else f"{as_stated(stated, claim)} {claim.unit}",
        "published_sort": "" if stated is None else stated,
        "measured": tables.NOT_RUN if verdict.measured is None else number(verdict.measured),
        "measured_sort": "" if verdict.measured is None else verdict.measured,
        "interval": interval_text(verdict.interval),
        "n": verdict.n,
        "failures": verdict.failures,
        "outcome": OUTCOME[verdict.verdict],
        "evidence": verdict.evidence,
        "badge": verdict.badge,
        "reason": reason(verdict),
        "sentence": verdict.sentence,
        "obtained": claim.obtained.rstrip("."),
        "verified": claim.verified,
        "assumptions": verdict.assumptions,
        "hash": verdict.claim_hash,
        "p": ", ".join(f"{name} {p:.2g}" for name, p in ps.items() if p is not None),
        "otherwise": otherwise(verdict),
        "seeds_needed": verdict.seeds_needed,
    }


def reason(verdict: Verdict) -> str:
    """Why the verdict is what it is; empty where the sentence on the result says so already."""
    why = verdict.reason.rstrip(".")
    # The sentence on a claim that nothing was run or counted for gives the reason itself.
    return "" if f": {why}: " in verdict.sentence else why


def otherwise(verdict: Verdict) -> str:
    """What other analyses of the same runs say, which do not decide."""
    said = []
    if interval_text(verdict.bootstrap_interval):
        said.append(f"BCa interval of the difference {interval_text(verdict.bootstrap_interval)}")
    if verdict.superiority_bound is not None:
        said.append(f"P(A>B) at least {verdict.superiority_bound:.2f}")
    if verdict.converged_only:
        said.append(f"without the failed runs {verdict.converged_only}")
    return "; ".join(said)


def as_stated(amount: float, claim: Claim) -> str:
    """A published value or effect with the digits it was published with."""
    plus = "+" if claim.published is None else ""
    return f"{amount:{plus},.0f}" if float(amount).is_integer() else f"{amount:{plus}g}"


def number(amount: float) -> str:
    """A value as a reader wants it: counts with commas, measurements with two digits after the point at most."""
    if float(amount).is_integer():
        return f"{amount:,.0f}"
    return f"{amount:,.2f}" if abs(amount) >= 0.1 else f"{amount:.3g}"


def interval_text(interval: Any) -> str:
    """`[low, high]`, or nothing where there is none or it has no width."""
    if interval is None or interval.low == interval.high:
        return ""
    return f"[{number(interval.low)}, {number(interval.high)}]"


# The forest plot: from -REACH to +REACH margins.
REACH = 5
LABEL, LEFT, WIDTH, ROW = 300, 310, 900, 18


def forest(sections: list[Section]) -> dict[str, Any]:
    """All point claims whose value was measured on what they are about, as places in a drawing."""
    rows: list[dict[str, Any]] = []
    scale = (WIDTH - LEFT - 20) / (2 * REACH)

    def place(margins: float) -> float:
        return round(LEFT + (min(max(margins, -REACH), REACH) + REACH) * scale, 1)

    for section in sections:
        for claim, verdict in zip(section.experiment.claims, section.verdicts, strict=True):
            if claim.type != "point" or verdict.difference is None or not claim.margin or claim.needs:
                continue
            low, high = verdict.difference_interval or (verdict.difference, verdict.difference)
            middle = verdict.difference / claim.margin
            y = 24 + ROW * len(rows)
            x = place(middle)
            arrow = (
                f"M{x} {y - 4}l7 4l-7 4z" if middle > REACH else f"M{x} {y - 4}l-7 4l7 4z" if middle < -REACH else ""
            )
            rows.append(
                {
                    "id": claim.id,
                    "y": y,
                    "x": x,
                    "x1": place(low / claim.margin),
                    "x2": place(high / claim.margin),
                    "off": arrow,
                    "shape": OUTCOME[verdict.verdict]["shape"],
                    "css": OUTCOME[verdict.verdict]["css"],
                    "tip": f"{claim.id}: {verdict.sentence or verdict.reason}",
                }
            )
    ticks = [
        {"x": place(at), "text": f"{at:+d}" if at else "0", "css": {0: "zero", 1: "edge", -1: "edge"}.get(at, "tick")}
        for at in range(-REACH, REACH + 1)
    ]
    return {
        "rows": rows,
        "ticks": ticks,
        "low": place(-1),
        "high": place(1),
        "label": LABEL,
        "width": WIDTH,
        "height": 24 + ROW * len(rows) + 30,
        "alt": f"Forest plot of {len(rows)} point claims: measured minus published, in units of each claim's margin. "
        "Every row is a link to its claim.",
    }


def section_view(section: Section, results: Path, store: Store, data_dir: Path, drawings: "Drawings") -> dict[str, Any]:
    """One experiment as the template shows it."""
    experiment = section.experiment
    table = tables.experiment_table(experiment, store, data_dir) if experiment.kind != "diagrams" else None
    own = [drawn for drawn in section.figures if not drawn.name.endswith("-curves")]
    curves = [drawn for drawn in section.figures if drawn.name.endswith("-curves")]
    notes, missing = [], []
    for note in table.notes if table else []:
        text, to_run, command = note.partition("; to run: ")
        if to_run:
            missing.append({"text": f"{text}; to run them:", "command": command})
        else:
            notes.append(note)
    return {
        "name": experiment.name,
        "title": experiment.title,
        "question": experiment.question,
        "source": experiment.source,
        "answer": section.answer,
        "table": Markup(table.html()) if table else None,
        "notes": notes,
        "missing": missing,
        "figures": [
            {"name": drawn.name, "alt": drawn.alt, "svg": drawings.inline(results / "figures" / f"{drawn.name}.svg")}
            for drawn in own
            if (results / "figures" / f"{drawn.name}.svg").is_file()
        ],
        "curves": bool(curves),
        "curves_alt": curves[0].alt if curves else "",
        "protocols": experiment.protocols,
        "runs": len(section.records),
        "time": duration(section.seconds),
    }


class Drawings:
    """Figures that become parts of the page: styles are told once for all of them, names differ between them."""

    def __init__(self) -> None:
        self.styles: dict[str, str] = {}  # style: class
        self.names: dict[tuple[Path, str], str] = {}  # figure and its name for a part: the page's name

    def inline(self, path: Path) -> Markup:
        """The SVG file as an element of the page."""
        text = path.read_text()
        text = text[text.index("<svg") :].replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)
        text = text.replace("xlink:href", "href")
        # Names first: a style may point to a part, such as the hatching of a bar.
        text = re.sub(r'(\bid="|url\(#|href="#)([^")]+)', lambda found: found[1] + self.part((path, found[2])), text)
        text = re.sub(r'style="([^"]*)"', lambda found: f'class="{self.look(found[1])}"', text)
        return Markup(text)

    def look(self, css: str) -> str:
        """The class that stands for a style."""
        return self.styles.setdefault(css, f"d{len(self.styles)}")

    def part(self, name: tuple[Path, str]) -> str:
        """The page's name for a part of a figure: the same one in two figures would point into each other."""
        return self.names.setdefault(name, f"p{len(self.names)}")

    def css(self) -> str:
        """The styles of all figures so far, in colours that follow the colour scheme."""
        text = "".join(f".{name}{{{css}}}\n" for css, name in self.styles.items())
        for colour, variable in style.CSS.items():
            text = text.replace(colour, f"var({variable})")
        return text


def run_tables(sections: list[Section], store: Store) -> dict[str, Any]:
    """The runs of all experiments, for the page's script: what is told in words stands there once."""
    words: dict[str, int] = {}
    tables = {
        section.experiment.name: [
            [*numbers, *(words.setdefault(text, len(words)) for text in texts)]
            for numbers, texts in run_rows(section, store)
        ]
        for section in sections
        if section.records
    }
    return {"words": list(words), "tables": tables}


def run_rows(section: Section, store: Store) -> Iterator[tuple[list[Any], list[str]]]:
    """The runs behind an experiment, in the order of its table."""
    for budget, items in section.evidence.items():
        for item in first_protocol(items):
            for record in item.records:
                yield run_row(record, item.variant.title, budget, section, store)


def run_row(
    record: Record, variant: str, budget: Budget, section: Section, store: Store
) -> tuple[list[Any], list[str]]:
    """One run: its identity, numbers and percentages; then what is told in words, in the order of the columns."""
    place = store.place(record.run, record.identity).relative_to(store.folder.parent)
    percents = [value(record, protocol, store) for protocol in section.experiment.protocols]
    environment = record.environment
    commit = (environment.get("commit") or "")[:10]
    numbers = [place.name, record.run.seed, round(record.seconds), ["" if p is None else f"{p:.1f}" for p in percents]]
    return numbers, [
        place.parent.as_posix(),
        variant,
        budget,
        record.status,
        configuration(record.run),
        duration(record.seconds),
        environment.get("device_name") or environment.get("device") or "",
        commit + (" (changed)" if environment.get("dirty") else ""),
    ]


def configuration(run: Run) -> str:
    """A run's settings in a line; its record has all of them."""
    recipe, images = run.recipe, run.data
    options = ", ".join(f"{name}={value}" for name, value in run.model.options.items() if name != "classes")
    parts = [
        f"{run.model.name}({options})" if options else run.model.name,
        f"{images.name} at {images.pixels} px{', synthetic' if images.synthetic else ''}"
        + (f", {images.train_images:,} images" if images.train_images else ""),
        f"{recipe.optimizer} {recipe.learning_rate:g} {recipe.schedule}",
        f"batch {recipe.batch}, {recipe.epochs} epoch{'s' if recipe.epochs > 1 else ''}"
        + (f" of {recipe.steps:,} batches" if recipe.steps else ""),
    ]
    changes = {
        "flips": recipe.flip,
        f"crops after padding by {recipe.crop_padding}": recipe.crop_padding,
        f"crops of {recipe.crop} from {' to '.join(map(str, recipe.resize))} px": recipe.crop,
        f"shear {recipe.shear:g} {recipe.shear_unit}": recipe.shear,
        f"zoom {recipe.zoom:g}": recipe.zoom,
    }
    if made := [name for name, there in changes.items() if there]:
        parts.append(", ".join(made))
    if images.holdout:
        parts.append(f"{images.holdout:,} training images held out and measured")
    return "; ".join(parts)


def learning_curves(section: Section, store: Store) -> dict[str, list[dict[str, Any]]]:
    """Accuracy in percent after each epoch, by budget and variant: one row for each seed, for the page's script."""
    curves: dict[str, list[dict[str, Any]]] = {}
    for budget, items in section.evidence.items():
        curves[budget] = []
        for item in trained(items):
            histories = [store.history(record) for record in item.records]
            if any(histories):
                curves[budget].append(
                    {
                        "name": item.variant.title,
                        "test": [[percent(epoch.test_accuracy) for epoch in history] for history in histories],
                        "train": [[percent(epoch.train_accuracy) for epoch in history] for history in histories],
                    }
                )
    return {budget: variants for budget, variants in curves.items() if variants}


def percent(share: float) -> float | None:
    """A share in percent, to a tenth."""
    return round(100 * share, 1) if math.isfinite(share) else None
