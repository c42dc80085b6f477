"""Results shown: ratios in the terminal, JSON for programs, a page with charts for people."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.peers.charts import Bar, bars
from bench.peers.environment import MLFLOW
from bench.peers.goals import ratios

Results = dict[str, Any]


def machine() -> dict[str, Any]:
    """Describe the machine, as far as it matters."""
    info = Path("/proc/cpuinfo").read_text()
    models = [line.split(":")[1].strip() for line in info.splitlines() if "model name" in line]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "lockgate": version("lockgate"),
        "peer": MLFLOW.replace("==", " "),
    }


def show(results: Results) -> None:
    """Print the ratios, those that miss what is wanted marked."""
    print("\nAgainst what is wanted (ratios of one run)")
    for ratio in ratios(results):
        mark = " " if ratio.held else "✗"
        off = "" if ratio.held else f"  {ratio.verdict}"
        reached = _number(ratio.reached)
        most = "" if ratio.limit is None else f"  (the limit itself: {_number(ratio.limit)})"
        print(f" {mark} {ratio.what:<82}{reached:>9}  {ratio.sign} {ratio.wanted:g}{off}{most}")
    for each in results["missing"]:
        print(f" ✗ not measured: {each['what']}: {each['why']}")


def beside(before: Results, results: Results) -> Results:
    """Return the results of two runs as one; the limits are those of the run before."""
    parts = ("requests", "bytes", "resting", "promoters", "missing")
    both = before | {part: before[part] + results[part] for part in parts}
    return both | {"runs": before.get("runs", 1) + results.get("runs", 1)}


def write_page(results: Results, folder: Path) -> None:
    """Write ``benchmarks.md`` and its charts into the documentation."""
    charts = folder / "benchmarks"
    charts.mkdir(parents=True, exist_ok=True)
    (charts / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    runs = results.get("runs", 1)
    told = [
        _HEAD.format(
            **results["machine"],
            date=results["date"],
            runs="one run" if runs == 1 else f"{runs} runs, one after the other",
        )
    ]
    told += [_goals_table(results), _missing_list(results["missing"])]
    for database, size in sorted({(row["database"], row["size"]) for row in results["requests"]}):
        told.append(f"\n## Requests: {size:,} versions, {database}\n")
        rows = [r for r in results["requests"] if (r["database"], r["size"]) == (database, size)]
        for key, title, unit in (
            (
                "cpu_ms",
                "CPU of the server, a request, one client (less is better; logarithmic)",
                "ms",
            ),
            ("per_s", "Requests a second, sixteen clients (more is better; logarithmic)", "/s"),
        ):
            connections = 1 if key == "cpu_ms" else 16
            listed = sorted(
                (
                    Bar(group=r["question"], speaker=r["speaker"], value=r[key])
                    for r in rows
                    if r["connections"] == connections
                ),
                key=lambda bar: [r["question"] for r in rows].index(bar.group),
            )
            name = f"{database}-{size}-{key}.svg"
            (charts / name).write_text(bars(title, unit, listed))
            told.append(f"![{title}](benchmarks/{name})\n")
        told.append(_requests_table(rows))
    told += [_limits_table(results["limits"]), _bytes_table(results["bytes"])]
    told += [_resting_table(results["resting"], results["requests"])]
    told.append(_promoters_table(results["promoters"]))
    (folder / "benchmarks.md").write_text("\n".join(part for part in told if part))


_HEAD = """# Benchmarks

Lockgate beside {peer}, one worker each unless it says otherwise, on one machine in {runs}: the
same data, the same generator of load in a process of its own. `make bench` makes this page again,
`make bench-quick` prints a small one.

{cpu}, {cores} cores, {memory_gib} GiB, {system}, Python {python}, Lockgate {lockgate}, {date}.

Both registries are filled with SQL, in one transaction, before they are asked: Lockgate's filled
models have no events in the log, and what is written during the run has. The versions in MLflow are
rows of its own tables as its API would write them.

CPU is what the server and its children used, divided by the requests that they answered. MLflow
keeps no metrics beside versions: "search by metric" is a search by tag there. Lockgate's writes
are durable (SQLite waits for the disk); MLflow's are as MLflow sets them.
"""


def _requests_table(rows: list[dict[str, Any]]) -> str:
    lines = ["| | clients | who | requests/s | p50 | p99 | CPU |", "|---|---|---|---|---|---|---|"]
    for row in sorted(rows, key=lambda r: (r["connections"],)):
        lines.append(
            f"| {row['question']} | {row['connections']} | {row['speaker']} | {row['per_s']:,.0f} "
            f"| {row['p50_ms']:.2f} ms | {row['p99_ms']:.2f} ms | {row['cpu_ms']:.2f} ms |"
        )
    return "\n".join(lines) + "\n"


def _limits_table(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return ""
    lines = [
        "\n## The limits of requests\n",
        "The same HTTP server with an application that answers a few bytes, and with one that "
        "changes one row in one durable transaction of SQLite before it answers.\n",
        "| | clients | requests/s | p50 | p99 | CPU |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['question']} | {row['connections']} | {row['per_s']:,.0f} "
        f"| {row['p50_ms']:.2f} ms | {row['p99_ms']:.2f} ms | {row['cpu_ms']:.2f} ms |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def _bytes_table(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return ""
    lines = ["\n## Files\n", "| | who | seconds | MB/s | MB |", "|---|---|---|---|---|"]
    for row in rows:
        seconds = f"{row['seconds']:.2f}" if "seconds" in row else ""
        rate = f"{row['mb_per_s']:,.0f}" if "mb_per_s" in row else ""
        size = f"{row['bytes'] / 1e6:,.0f}" if "bytes" in row else ""
        lines.append(f"| {row['what']} | {row['speaker']} | {seconds} | {rate} | {size} |")
    return "\n".join(lines) + "\n"


def _resting_table(rows: list[dict[str, Any]], asked: list[dict[str, Any]]) -> str:
    if not rows and not asked:
        return ""
    lines = [
        "\n## At rest, and after the load\n",
        "MLflow as it starts by default, with four workers.\n",
        "| who | first answer | memory | processes | import | `--help` | installed |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['speaker']} | {row['ready_s']:.2f} s | {row['resident_bytes'] / 1e6:,.0f} MB "
        f"| {row['processes']} | {row['import_s']:.2f} s | {row['help_s']:.2f} s "
        f"| {_megabytes(row['installed_bytes'])} |"
        for row in rows
    ]
    # The last row of each server is what it held when everything had been asked.
    after = {(r["speaker"], r["database"], r["size"]): r["resident_bytes"] for r in asked}
    if after:
        lines += ["\n| after the load | database | versions | memory |", "|---|---|---|---|"]
    lines += [
        f"| {speaker} | {database} | {size:,} | {held / 1e6:,.0f} MB |"
        for (speaker, database, size), held in after.items()
        if speaker != "Lockgate"  # the same server went on in MLflow's words
    ]
    return "\n".join(lines) + "\n"


def _promoters_table(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return ""
    lines = [
        "\n## Sixteen promoters at once, one model\n",
        "| who | database | requests/s | refused | in production afterwards |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['speaker']} | {row['database']} | {row['per_s']:,.0f} "
        f"| {row['refused']} of {row['requests']} | {row['standing']} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def _goals_table(results: Results) -> str:
    found = ratios(results)
    held = sum(ratio.held for ratio in found)
    lines = [
        "\n## Against what is wanted\n",
        f"{held} of {len(found)} goals are met. The ratio first, then the two figures it is made "
        "of: Lockgate's, and that of MLflow, of the limit, or of the smaller registry.\n",
        "Where requests are measured beside MLflow, the last column is the ratio that the limit "
        "itself would reach: the same HTTP server with an application that only answers, or for a "
        "write commits one row, without knowing who asks for what. What is wanted can be had as "
        "far as the limit is above it.\n",
        "| | ratio | wanted | | Lockgate | beside | the limit itself |",
        "|---|---|---|---|---|---|---|",
    ]
    for ratio in found:
        reached, verdict = _number(ratio.reached), ratio.verdict
        if not ratio.held:
            reached, verdict = f"**{reached}**", f"**{verdict}**"
        lines.append(
            f"| {ratio.what} | {reached} | {ratio.sign} {ratio.wanted:g} | {verdict} "
            f"| {ratio.ours} | {ratio.beside} "
            f"| {'' if ratio.limit is None else _number(ratio.limit)} |"
        )
    return "\n".join(lines) + "\n"


def _missing_list(missing: list[dict[str, Any]]) -> str:
    if not missing:
        return ""
    lines = [f"- {each['what']}: {each['why']}" for each in missing]
    return "\n".join(["\n## Not measured in this run\n", *lines]) + "\n"


def _megabytes(size: int | None) -> str:
    return "not weighed" if size is None else f"{size / 1e6:,.0f} MB"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2f}"
