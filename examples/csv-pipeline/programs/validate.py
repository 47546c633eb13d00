"""Reads the CSV, keeps the rows that can be true, and says of every other row why it was dropped.

Program of the node `validate`. Input: {"max_rejected_share": number} on stdin, the file named by the first
argument. Output: one JSON value on stdout; every rejected row in out/rejected.csv. Exit code 1 when too many rows are bad: a
file that is mostly wrong should stop the run rather than end in a confident report.
"""

import csv
import datetime
import json
import os
import sys

RANGES = {
    "temperature_c": (-5.0, 40.0),
    "ph": (4.0, 11.0),
    "oxygen_mg_l": (0.0, 20.0),
    "turbidity_ntu": (0.0, 1000.0),
}


def problem_of(row, seen):
    """Why a row cannot be used, or None."""
    try:
        datetime.date.fromisoformat(row["day"])
    except ValueError:
        return f"{row['day']!r} is not a date"
    if (row["station"], row["day"]) in seen:
        return "a second reading of that station and day"
    for name, (low, high) in RANGES.items():
        try:
            value = float(row[name])
        except ValueError:
            return f"{name} is {row[name]!r}, not a number"
        if not low <= value <= high:
            return f"{name} is {value}, outside {low} to {high}"
    return None


def reading_of(row):
    return {"station": row["station"], "day": row["day"], **{name: float(row[name]) for name in RANGES}}


def write_rejected(rejected):
    os.makedirs("out", exist_ok=True)
    with open("out/rejected.csv", "w", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(["line", "problem"])
        writer.writerows((item["line"], item["problem"]) for item in rejected)


def main():
    settings = json.load(sys.stdin)
    readings, rejected, seen = [], [], set()
    with open(sys.argv[1], newline="") as source:
        for line, row in enumerate(csv.DictReader(source), start=2):
            problem = problem_of(row, seen)
            if problem is None:
                seen.add((row["station"], row["day"]))
                readings.append(reading_of(row))
            else:
                rejected.append({"line": line, "problem": problem})
    write_rejected(rejected)
    rows = len(readings) + len(rejected)
    if rows == 0 or len(rejected) / rows > settings["max_rejected_share"]:
        sys.exit(f"{len(rejected)} of {rows} rows are bad: not a file to report on")
    json.dump({"rows": rows, "rejected": rejected, "readings": readings}, sys.stdout)


main()
