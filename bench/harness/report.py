"""Medians, ratios, and how they are shown: a table, JSON and a picture."""

import math
import statistics
from xml.sax.saxutils import escape

GIB = 1 << 30


class Row:
    """What all systems did in one step."""

    def __init__(self, step, values, processors):
        self.step = step
        self.values = values
        self.processors = processors

    def median(self, system):
        values = self.values.get(system)
        return statistics.median(values) if values else None

    @property
    def ratio(self):
        ours, peer = self.median("dynamicfs"), self.median(self.step.peer)
        return ours / peer if ours and peer else None

    @property
    def score(self):
        """How often the target is reached; 1 is just reached."""
        if self.ratio is None:
            return None
        return self.step.target / self.ratio if self.step.less_is_better else self.ratio / self.step.target

    def processor_seconds(self, system, part):
        values = [each[part] for each in self.processors.get(system, [])]
        return statistics.median(values) if values else None

    def per_gib(self, system):
        """CPU seconds of the server, of kernel threads and of programs for each GiB."""
        if self.step.data_bytes is None or not self.processors.get(system):
            return None
        parts = {part: self.processor_seconds(system, part) for part in ("server", "kernelThreads", "clients", "machine")}
        return {part: round(seconds * GIB / self.step.data_bytes, 2) for part, seconds in parts.items()}


def number(value):
    if value is None:
        return "-"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def target_text(step):
    return f"{'<=' if step.less_is_better else '>='} {step.target:g} x {step.peer}"


def table(rows, systems):
    head = ["work", "unit", *[system.name for system in systems], "ratio", "target", ""]
    body = []
    for row in rows:
        verdict = "" if row.score is None else ("reached" if row.score >= 1 else "MISSED")
        body.append([row.step.title, row.step.unit, *[number(row.median(system.name)) for system in systems],
                     number(row.ratio), target_text(row.step), verdict])
    return _aligned(head, body)


def processors(rows, systems):
    head = ["CPU seconds per GiB", "system", "server", "kernel threads", "programs", "together", "whole machine"]
    body = []
    for row in rows:
        for system in systems:
            parts = row.per_gib(system.name)
            if parts:
                together = parts["server"] + parts["kernelThreads"] + parts["clients"]
                body.append([row.step.title, system.name, number(parts["server"]), number(parts["kernelThreads"]),
                             number(parts["clients"]), number(together), number(parts["machine"])])
    return _aligned(head, body) if body else ""


def _aligned(head, body):
    widths = [max(len(line[i]) for line in [head, *body]) for i in range(len(head))]
    lines = ["  ".join(cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(line, widths))).rstrip()
             for line in [head, *body]]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def as_json(rows, systems, settings, machine, skipped, failures):
    return {
        "machine": machine,
        "settings": settings,
        "systems": [{"name": system.name, "title": system.title} for system in systems],
        "results": [{
            "name": row.step.name,
            "title": row.step.title,
            "unit": row.step.unit,
            "peer": row.step.peer,
            "target": row.step.target,
            "lessIsBetter": row.step.less_is_better,
            "medians": {system.name: row.median(system.name) for system in systems},
            "ratio": row.ratio,
            "reached": None if row.score is None else row.score >= 1,
            "rounds": {system.name: row.values.get(system.name, []) for system in systems},
            "processorSecondsPerGib": {system.name: row.per_gib(system.name) for system in systems},
            "processorSeconds": {system.name: row.processors.get(system.name, []) for system in systems},
        } for row in rows],
        "skipped": skipped,
        "failures": failures,
    }


ROW_HEIGHT = 26
LEFT = 300
WIDTH = 420
TOP = 64
RIGHT = 240
SCORE_MIN, SCORE_MAX = 0.1, 10.0


def picture(rows, systems, subtitle):
    """An SVG: for each row a bar from the target (the line in the middle) to what was reached, on a logarithmic axis."""
    shown = [row for row in rows if row.score is not None]
    height = TOP + ROW_HEIGHT * len(shown) + 40
    middle = _x(1.0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" height="{height}" '
        f'viewBox="0 0 {LEFT + WIDTH + RIGHT} {height}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        '<text x="16" y="24" font-size="16" font-weight="bold">DynamicFS 4+2, as a multiple of its targets</text>',
        f'<text x="16" y="42" fill="#555555">{escape(subtitle)}</text>',
    ]
    bottom = TOP + ROW_HEIGHT * len(shown)
    for score in (0.1, 0.2, 0.5, 1, 2, 5, 10):
        x = _x(score)
        strong = score == 1
        parts.append(f'<line x1="{x}" y1="{TOP - 4}" x2="{x}" y2="{bottom}" stroke="{"#333333" if strong else "#dddddd"}"/>')
        parts.append(f'<text x="{x}" y="{bottom + 16}" text-anchor="middle" fill="#555555">{"target" if strong else f"{score:g}x"}</text>')
    for index, row in enumerate(shown):
        y = TOP + ROW_HEIGHT * index
        x = _x(row.score)
        fill = "#3a8f4d" if row.score >= 1 else "#c4493d"
        medians = f"{number(row.median('dynamicfs'))} : {number(row.median(row.step.peer))} {row.step.unit}"
        parts.append(f'<text x="{LEFT - 8}" y="{y + 16}" text-anchor="end">{escape(row.step.title)}</text>')
        parts.append(f'<rect x="{min(x, middle)}" y="{y + 4}" width="{max(1, abs(x - middle)):.1f}" height="{ROW_HEIGHT - 10}" fill="{fill}"/>')
        parts.append(f'<text x="{LEFT + WIDTH + 10}" y="{y + 16}">{number(row.ratio)} x {escape(row.step.peer)}'
                     f' <tspan fill="#777777">({escape(medians)})</tspan></text>')
    if not shown:
        parts.append(f'<text x="16" y="{TOP + 10}">nothing was measured on both sides</text>')
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def _x(score):
    share = math.log(min(max(score, SCORE_MIN), SCORE_MAX) / SCORE_MIN) / math.log(SCORE_MAX / SCORE_MIN)
    return round(LEFT + share * WIDTH, 1)
