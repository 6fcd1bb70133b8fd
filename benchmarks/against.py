"""Whether sends and deliveries cost more CPU than they did at another commit.

    python -m benchmarks.against 3d2272a
    python -m benchmarks.against HEAD~20 --rounds 11
    python -m benchmarks.against 3d2272a --without uvloop

Both servers run at the same time, of this checkout and of a temporary worktree of that commit, in
the same Python environment, and are measured in alternating rounds of one run: a send to one socket
whose client acknowledges it, with 1, 16 and 64 senders, and a send to many sockets that do not. The
clients know nothing of events. What is printed are medians with the lowest and the highest round,
the ratio of the medians, and the median of the ratios of the rounds, which a machine that is slow
for a while does not change.

``--without`` hides a library from both, such as one that the older server did not use yet.
"""

import argparse
import asyncio
import subprocess
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks import fanout, send
from benchmarks.measure import ROOT, SECRET, Subject, subject
from notifier.identity.tokens import Tokens

Measure = Callable[[Subject], Coroutine[None, None, float]]
"""Microseconds of server CPU for one operation, in one round."""


@contextmanager
def checkout(commit: str) -> Iterator[Path]:
    """The files of ``commit`` in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="notifier-benchmark-") as folder:
        tree = Path(folder) / "tree"
        git = ("git", "-C", str(ROOT), "worktree")
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), commit], check=True)
        try:
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)


@contextmanager
def hidden(modules: list[str]) -> Iterator[Path]:
    """A folder in front of which nobody finds these modules."""
    with tempfile.TemporaryDirectory(prefix="notifier-benchmark-") as folder:
        for module in modules:
            (Path(folder) / f"{module}.py").write_text("raise ImportError\n")
        yield Path(folder)


def measures(token: str, sends: int, sockets: int) -> dict[str, Measure]:
    """What is compared. One sender after the other takes long, so that there are fewer sends."""

    async def spread(server: Subject) -> float:
        _, delivery, _ = await fanout.round_of(server, token, sockets, sends=100)
        return delivery * sockets

    def to_one(server: Subject, senders: int) -> Coroutine[None, None, float]:
        some = sends // 4 if senders == 1 else sends
        return send.round_of(server, token, some - some % senders, senders)

    one = {
        f"to 1 socket, senders: {number}": partial(to_one, senders=number) for number in (1, 16, 64)
    }
    return {**one, f"to {sockets} sockets": spread}


def compare(name: str, measure: Measure, then: Subject, now: Subject, rounds: int) -> None:
    """Print what it costs on both."""
    figures = []
    for number in range(rounds + 1):
        # Who comes first has no advantage of it.
        order = (then, now) if number % 2 else (now, then)
        taken = {server: asyncio.run(measure(server)) for server in order}
        if number:  # the first round warms up
            figures.append((taken[then], taken[now]))
    before, after = zip(*figures, strict=True)
    paired = median(new / old for old, new in figures)
    print(
        f"{name:<24} {_spread(before)} then, {_spread(after)} now: "
        f"ratio {median(after) / median(before):.3f}, by rounds {paired:.3f}",
        flush=True,
    )


def _spread(figures: tuple[float, ...]) -> str:
    return f"{median(figures):5.0f} µs ({min(figures):.0f} to {max(figures):.0f})"


def main() -> None:
    """Compare with the commit of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("commit")
    parser.add_argument("--rounds", type=int, default=7, help="after one that warms up")
    parser.add_argument("--sends", type=int, default=6400, help="of a round")
    parser.add_argument("--sockets", type=int, default=300, help="that one send reaches")
    parser.add_argument("--without", action="append", default=[], help="a module that is hidden")
    given = parser.parse_args()
    token = Tokens(SECRET, {"identity": 3600}).issue("identity", 1, 0)
    with ExitStack() as stack:
        front = stack.enter_context(hidden(given.without))
        tree = stack.enter_context(checkout(given.commit))
        then, now = (
            stack.enter_context(subject("notifier", (front, root), NOTIFIER_SOCKETS_PER_USER="0"))
            for root in (tree, ROOT)
        )
        for name, measure in measures(token, given.sends, given.sockets).items():
            compare(name, measure, then, now, given.rounds)


if __name__ == "__main__":
    main()
