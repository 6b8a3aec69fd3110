"""Makes the tables of what was measured.

    report.py ROWS.jsonl                     prints them as Markdown
    report.py ROWS.jsonl --rate NAME SHARE   prints this share of the rate at which NAME caught up, in ticks a second
"""

import json
import sys

rows = [json.loads(line) for line in open(sys.argv[1])]
NAMES = {
    "stormglass": "Stormglass, exactly once",
    "floor": "floor: rdkafka, no work, exactly once",
    "streams": "Kafka Streams, exactly once v2",
    "quix": "Quix Streams, exactly once",
    "bytewax": "Bytewax, at least once",
}


def of(part):
    return [row for row in rows if row["part"] == part]


def table(head, lines):
    print()
    print("| " + " | ".join(head) + " |")
    print("|---|" + "---:|" * (len(head) - 1))
    for line in lines:
        print("| " + " | ".join(line) + " |")


def catch_up():
    by_name = {row["name"]: row for row in of("catch-up")}
    ours, floor = by_name["stormglass"], by_name["floor"]

    def times(row, key, base):
        return f"{row[key] / base[key]:.2f}"

    lines = []
    for name, row in by_name.items():
        outputs = row["outputs"]
        once = f"{outputs['found']:,} of {outputs['due']:,}" + (f", {outputs['repeated']:,} twice" if outputs["repeated"] else "")
        lines.append([
            NAMES[name], f"{row['ticks_per_s']:,.0f}", times(row, "ticks_per_s", floor), times(row, "ticks_per_s", ours),
            f"{row['client_us_per_tick']:.2f}", times(row, "client_us_per_tick", floor), times(row, "client_us_per_tick", ours),
            f"{row['broker_us_per_tick']:.2f}", f"{row['client_cores']:.2f} / {row['broker_cores']:.2f}",
            f"{row['resident_mib']:.0f}", f"{row['first_commit_s']:.1f}", f"{outputs['value_bytes']:.0f}", once,
        ])  # fmt: skip
    table(
        ["catch-up", "ticks/s", "of the floor's", "of ours", "client CPU, us a tick", "times the floor's", "times ours",
         "broker CPU, us a tick", "cores busy, client / broker", "resident, MiB", "first commit, s", "bytes a value",
         "predictions of ticks"],
        lines,
    )  # fmt: skip


def latency():
    lines = []
    for row in of("latency"):
        if row.get("skipped"):
            short = [NAMES[row["name"]], f"{row['rate']:,.0f}", str(row["commit_interval_ms"]), "not run: above its catch-up rate"]
            lines.append(short + [""] * 5)
            continue
        missing = f"{row['missing']:,}" if row["missing"] else "none"
        lines.append([
            NAMES[row["name"]], f"{row['rate']:,.0f}", str(row["commit_interval_ms"]), f"{row['p50_ms']:.1f}", f"{row['p99_ms']:.1f}",
            f"{row['max_ms']:.1f}", f"{row['client_cores']:.2f} / {row['broker_cores']:.2f}", f"{row['sent_late_ms']:.1f}", missing,
        ])  # fmt: skip
    if lines:
        table(
            ["latency", "ticks/s", "commit every, ms", "p50, ms", "p99, ms", "greatest, ms", "cores busy, client / broker",
             "latest send, ms", "without prediction"],
            lines,
        )  # fmt: skip


def restart():
    for row in of("restart"):
        lines = []
        columns = ["kill_to_live_s", "start_to_live_s", "assignment_to_live_s", "kill_to_prediction_s"]
        for number, once in enumerate(row["restarts"], 1):
            lines.append([f"kill {number}"] + [f"{once[column]:.2f}" for column in columns])
        table(["restart, seconds", "kill to live", "start to live", "assignment to live", "kill to first new prediction"], lines)
        outputs = row["outputs"]
        print()
        print(
            f"{row['ticks_before']:,} ticks of 12 symbols before, then {row['rate']:.0f} a second; at the end {outputs['found']:,} "
            f"predictions of {outputs['due']:,} ticks, {outputs['repeated']} twice, {outputs['missing']} missing."
        )


if len(sys.argv) > 2:
    row = next(row for row in of("catch-up") if row["name"] == sys.argv[3])
    print(round(row["ticks_per_s"] * float(sys.argv[4])))
else:
    catch_up()
    latency()
    restart()
