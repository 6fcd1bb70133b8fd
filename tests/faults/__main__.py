"""``make faults``: the ledger through every fault, as the table of docs/reliability.md.

While a fault lasts, notifications are sent over HTTP and RabbitMQ, each again with its key
until it is accepted, and each user has a device that acknowledges. A row says how many were
promised and delivered, how many came to a user again, and for how many seconds after the
fault's end something was still refused or on its way. A part of a row's name as argument
runs only those; ``--write`` puts the table into the docs.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from servers import ROOT
from tests.faults.faults import FAULTS, Fault
from tests.faults.run import PEOPLE, Row, run
from tests.faults.site import OneProcess, Site, ThreeProcesses

_DOCS = ROOT / "docs" / "reliability.md"
_BEGIN, _END = "<!-- made by make faults -->\n", "<!-- end -->\n"


async def _table(
    kind: type[OneProcess | ThreeProcesses], chosen: list[Fault], folder: Path
) -> list[str]:
    lines = [f"| {kind.name} | promised | delivered | again | seconds |", "|---|---|---|---|---|"]
    site = kind()
    # Some need users of their own.
    async with site.running(folder, (PEOPLE + 2) * len(chosen)):
        for fault in chosen:
            row = await _row(site, fault)
            print(row, file=sys.stderr, flush=True)
            lines.append(row)
    return lines


async def _row(site: Site, fault: Fault) -> str:
    if not fault.possible(site):
        return f"| {fault.name} | cannot be made here | | | |"
    row: Row = await run(site, fault)
    return (
        f"| {fault.name} | {row.promised:,} | {row.delivered:,} | {row.again:,} | "
        f"{row.seconds:.1f} |"
    )


def _main() -> None:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("part", nargs="?", default="", help="part of a row's name")
    parser.add_argument("--write", action="store_true", help="put the table into the docs")
    options = parser.parse_args()
    lines: list[str] = []
    for kind in (OneProcess, ThreeProcesses):
        chosen = [
            fault
            for fault in FAULTS
            if issubclass(kind, fault.sites) and options.part in fault.name
        ]
        if chosen:
            with tempfile.TemporaryDirectory(prefix="notifier-faults-") as folder:
                lines += [*asyncio.run(_table(kind, chosen, Path(folder))), ""]
    table = "\n".join(lines)
    print(table)
    if options.write:
        before, _, rest = _DOCS.read_text().partition(_BEGIN)
        _DOCS.write_text(f"{before}{_BEGIN}\n{table}\n{_END}{rest.partition(_END)[2]}")


if __name__ == "__main__":
    _main()
