"""The result as a Markdown table, one column per side, and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from suite.case import Figure


@dataclass
class Table:
    """Rows in the order in which their labels first came up."""

    columns: tuple[str, ...]
    rows: dict[str, dict[str, Figure]] = field(default_factory=dict)

    def add(self, column: str, figures: list[Figure]) -> None:
        """Adds a side's figures."""
        for figure in figures:
            self.rows.setdefault(figure.label, {})[column] = figure

    def markdown(self) -> str:
        """The table as text."""
        lines = [
            "| | " + " | ".join(self.columns) + " |",
            "|---" * (len(self.columns) + 1) + "|",
        ]
        for label, cells in self.rows.items():
            texts = [cells[column].text if column in cells else "-" for column in self.columns]
            lines.append(f"| {label} | " + " | ".join(texts) + " |")
        return "\n".join(lines)

    def data(self) -> dict[str, Any]:
        """The rows with the numbers behind them."""
        return {label: {column: asdict(figure) for column, figure in cells.items()} for label, cells in self.rows.items()}
