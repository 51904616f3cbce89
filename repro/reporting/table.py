"""Tables: plain values in; text, Markdown, LaTeX, HTML, CSV or JSON out."""

import csv
import html
import io
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TextIO, get_args

from repro.errors import printable, unknown

Format = Literal["text", "md", "csv", "json", "tex"]
FORMATS: tuple[Format, ...] = get_args(Format)

NOT_RUN = "not run"
DASH = "\N{EN DASH}"
FORMULA = ("=", "+", "-", "@")  # what a formula begins with in a spreadsheet
NUMBER = r"[+-]?\d+(\.\d*)?(e[+-]?\d+)?"
ESTIMATE = re.compile(rf"{NUMBER}( \[{NUMBER}, {NUMBER}\])?")  # a number as text, or one with its interval


@dataclass(frozen=True)
class Estimate:
    """A measured number as a cell: the mean over seeds and its 95 % interval.

    low, high: None where a single seed allows no interval.
    signed: for differences.
    """

    mean: float
    low: float | None
    high: float | None
    n: int
    failures: int = 0
    signed: bool = False

    def __str__(self) -> str:
        form = "+.1f" if self.signed else ".1f"
        interval = "" if self.low is None or self.high is None else f" [{self.low:{form}}, {self.high:{form}}]"
        failed = f", {self.failures} failed" if self.failures else ""
        return f"{self.mean:{form}}{interval} (n={self.n}{failed})"

    def plain(self) -> dict[str, float | int | None]:
        """The numbers, for JSON."""
        return {"mean": self.mean, "low": self.low, "high": self.high, "n": self.n, "failures": self.failures}


@dataclass(frozen=True)
class Column:
    """A column.

    name: key of the rows and of JSON objects, heading of CSV.
    title: heading for readers; the name when empty.
    format: a format specification for numbers, such as `,d` or `+.1f`.
    empty: what stands for None.
    """

    name: str
    title: str = ""
    align: Literal["left", "right"] = "left"
    format: str = ""
    empty: str = DASH

    @property
    def heading(self) -> str:
        """The text above the column."""
        return one_line(self.title or self.name)

    def text(self, value: Any) -> str:
        """One cell as a reader sees it, in one line."""
        if value is None:
            return self.empty
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, int | float) and self.format:
            return format(value, self.format)
        return one_line(str(value))


@dataclass
class Table:
    """Columns and rows, with notes under them.

    rows: one dict a row, by column name; a cell is a text, a number, a truth value, an `Estimate` or None.
    """

    title: str
    columns: Sequence[Column]
    rows: list[dict[str, Any]]
    notes: list[str] = field(default_factory=list)

    def render(self, format: str) -> str:
        """The table in one of `FORMATS`, ending in a newline.

        Raises:
            BadInput: there is no such format.
        """
        writers = {"text": self.text, "md": self.markdown, "csv": self.csv, "json": self.json, "tex": self.latex}
        if format not in writers:
            raise unknown("format", format, FORMATS)
        return writers[format]()

    def print(self, format: str = "text", file: TextIO | None = None) -> None:
        """Write the table to a stream, standard output by default; `text` is coloured on a terminal."""
        file = file or sys.stdout
        assert file is not None
        if format == "text" and file.isatty():
            self.print_rich(file)
        else:
            file.write(self.render(format))

    def texts(self) -> list[list[str]]:
        """All cells as a reader sees them."""
        return [[column.text(row.get(column.name)) for column in self.columns] for row in self.rows]

    def print_rich(self, file: TextIO) -> None:
        """The table on a terminal, by rich."""
        from rich import box
        from rich.console import Console
        from rich.table import Table as RichTable
        from rich.text import Text

        console = Console(file=file, highlight=False)
        title = Text(one_line(self.title), style="bold")
        grid = RichTable(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
        for column in self.columns:
            # Numbers are never broken; on a narrow terminal texts and intervals are.
            grid.add_column(Text(column.heading), justify=column.align, no_wrap=bool(column.format), overflow="fold")
        for cells in self.texts():
            grid.add_row(*(Text(cell, style="dim" if cell in ("not run", DASH) else "") for cell in cells))
        console.print(grid)
        for note in self.notes:
            console.print(Text(f"  {one_line(note)}", style="dim"))

    def text(self) -> str:
        """The table as on a terminal, without colours and as wide as it needs to be."""
        head, *rows = self.padded([[column.heading for column in self.columns], *self.texts()])
        rule = "\N{BOX DRAWINGS LIGHT HORIZONTAL}" * len("   ".join(head))
        lines = [*([one_line(self.title)] if self.title else []), ""]
        lines += [f" {'   '.join(head)}", f" {rule}", *(f" {'   '.join(cells)}" for cells in rows), ""]
        lines += [f"  {one_line(note)}" for note in self.notes]
        return "".join(f"{line.rstrip()}\n" for line in lines)

    def padded(self, rows: Sequence[Sequence[str]], least: int = 0) -> list[list[str]]:
        """Cells filled up with spaces, each column to the width of its widest one."""
        widths = [max(least, *(len(cells[i]) for cells in rows)) for i in range(len(self.columns))]
        sides = [str.rjust if column.align == "right" else str.ljust for column in self.columns]
        return [[fill(c, w) for c, w, fill in zip(cells, widths, sides, strict=True)] for cells in rows]

    def markdown(self, heading: bool = True) -> str:
        """GitHub's Markdown, columns padded so that the source can be read too."""
        cells = [[column.heading for column in self.columns], *self.texts()]
        head, *rows = self.padded([[markdown_cell(cell) for cell in row] for row in cells], least=3)
        rule = [
            "-" * (len(cell) - 1) + (":" if column.align == "right" else "-")
            for cell, column in zip(head, self.columns, strict=True)
        ]
        lines = [f"**{markdown_cell(self.title)}**", ""] if heading and self.title else []
        lines += [f"| {' | '.join(row)} |" for row in (head, rule, *rows)]
        if self.notes:
            lines += ["", *(f"- {one_line(note)}" for note in self.notes)]
        return "\n".join(lines) + "\n"

    def latex(self) -> str:
        """A booktabs `table`; needs `\\usepackage{booktabs}`."""
        shape = "".join("r" if column.align == "right" else "l" for column in self.columns)
        lines = [
            r"\begin{table}",
            r"  \centering",
            rf"  \caption{{{latex_escape(self.title)}}}",
            rf"  \begin{{tabular}}{{{shape}}}",
            r"    \toprule",
            "    " + " & ".join(latex_escape(column.heading) for column in self.columns) + r" \\",
            r"    \midrule",
            *("    " + " & ".join(map(latex_escape, cells)) + r" \\" for cells in self.texts()),
            r"    \bottomrule",
            r"  \end{tabular}",
        ]
        if self.notes:
            lines.append(r"  \par\smallskip\footnotesize " + r"\newline ".join(map(latex_escape, self.notes)))
        return "\n".join([*lines, r"\end{table}", ""])

    def html(self, identifier: str = "") -> str:
        """A `<table>`; cells carry `data-sort` where a script could not sort by what they show."""
        mark = f' id="{html.escape(identifier)}"' if identifier else ""
        lines = [f"<table{mark}>", f"<caption>{html.escape(self.title)}</caption>", "<thead><tr>"]
        for column in self.columns:
            lines.append(f'<th scope="col"{css_class(column)}>{html.escape(column.heading)}</th>')
        lines.append("</tr></thead>\n<tbody>")
        for row in self.rows:
            cells = []
            for index, column in enumerate(self.columns):
                value = row.get(column.name)
                text = column.text(value)
                key = text if hasattr(value, "__html__") else str(sort_key(value))
                tag, scope = ("th", ' scope="row"') if index == 0 else ("td", "")
                # A cell without a value is marked as such, and sorts by nothing.
                sort = f' data-sort="{html.escape(key)}"' if key != text and value is not None else ""
                shown = html_cell(value, text)
                cells.append(f"<{tag}{scope}{css_class(column, value is None)}{sort}>{shown}</{tag}>")
            lines.append(f"<tr>{''.join(cells)}</tr>")
        return "\n".join([*lines, "</tbody>", "</table>", ""])

    def csv(self) -> str:
        """Comma-separated values with unrounded numbers; empty where there is none."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([csv_cell(column.name) for column in self.columns])
        for row in self.rows:
            writer.writerow([csv_cell(row.get(column.name)) for column in self.columns])
        return stream.getvalue()

    def json(self) -> str:
        """A list of objects by column name, with unrounded numbers."""
        names = [column.name for column in self.columns]
        content = [{name: plain(row.get(name)) for name in names} for row in self.rows]
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
        # json itself escapes only the control characters of ASCII.
        return re.sub(r"[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", json_escape, text) + "\n"


def json_escape(found: re.Match[str]) -> str:
    """A character as JSON spells it in ASCII."""
    return f"\\u{ord(found[0]):04x}"


def html_cell(value: Any, text: str) -> str:
    """The HTML of a cell: markup as it is, else text; a number may be broken before its interval only."""
    if hasattr(value, "__html__"):
        return value.__html__()
    mean, _, rest = text.partition(" ")
    if isinstance(value, Estimate) or rest.startswith("["):
        return f"<b>{html.escape(mean)}</b> <small>{html.escape(rest)}</small>"
    return html.escape(text)


def css_class(column: Column, absent: bool = False) -> str:
    """The class attribute of a cell; cells are on the left unless they say otherwise."""
    names = [name for name, wanted in (("right", column.align == "right"), ("absent", absent)) if wanted]
    return f' class="{" ".join(names)}"' if names else ""


def plain(value: Any) -> Any:
    """A cell as JSON knows it; numbers that are not finite become null."""
    if isinstance(value, Estimate):
        return value.plain()
    if isinstance(value, float) and not -float("inf") < value < float("inf"):
        return None
    return value


def sort_key(value: Any) -> str | float:
    """The key that a cell is sorted by; missing values come last."""
    if value is None:
        return ""
    number = value.mean if isinstance(value, Estimate) else value
    if isinstance(number, float):
        return float(f"{number:.6g}")
    return number if isinstance(number, int) else str(number)


def one_line(text: str) -> str:
    """Text that stays in its line and does nothing to a terminal."""
    return printable(text.replace("\n", " "))


def csv_cell(value: Any) -> Any:
    """A cell of comma-separated values; before a text that a spreadsheet would compute stands an apostrophe."""
    if not isinstance(value, str):
        return "" if value is None else value
    text = one_line(value)
    return f"'{text}" if text.startswith(FORMULA) and not ESTIMATE.fullmatch(text) else text


def markdown_cell(text: str) -> str:
    """Text that stays in its cell."""
    return one_line(text).replace("\\", "\\\\").replace("|", "\\|")


LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    # A bracket right after the end of a row would be read as the row's extra space.
    "[": "{[}",
    "]": "{]}",
    DASH: "--",
    "\N{MINUS SIGN}": "$-$",
    "±": r"$\pm$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "→": r"$\to$",
    "…": r"\ldots{}",
}
_LATEX = str.maketrans(LATEX)


def latex_escape(text: str) -> str:
    """Text as LaTeX prints it literally."""
    return one_line(text).translate(_LATEX)
