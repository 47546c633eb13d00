"""Program of the node `report`: writes out/report.md from `{"title", "summary", "rows", "rejected"}` on stdin."""

import json
import os
import sys


def table(stations):
    yield "| station | readings | temperature °C | pH | oxygen mg/l | turbidity NTU | |"
    yield "|---|--:|--:|--:|--:|--:|---|"
    for item in stations:
        means = " | ".join(f"{item[name]['mean']:.2f}" for name in ("temperature_c", "ph", "oxygen_mg_l", "turbidity_ntu"))
        yield f"| {item['station']} | {item['readings']} | {means} | {'**above the limit**' if item['flagged'] else ''} |"


def report(data):
    summary, rejected = data["summary"], data["rejected"]
    yield f"# {data['title']}"
    yield ""
    yield f"{data['rows']} rows read, {len(rejected)} rejected. Means per station; turbidity limit {summary['turbidity_limit']} NTU."
    yield ""
    yield from table(summary["stations"])
    yield ""
    yield "## Rejected rows"
    yield ""
    for item in rejected:
        yield f"- line {item['line']}: {item['problem']}"


def main():
    text = "\n".join(report(json.load(sys.stdin))) + "\n"
    os.makedirs("out", exist_ok=True)
    with open("out/report.md", "w", encoding="utf-8") as target:
        target.write(text)
    json.dump({"file": "report.md", "lines": text.count("\n")}, sys.stdout)


main()
