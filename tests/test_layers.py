"""Imports point one way, and each library is known in one place."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from servers import ROOT

CLIENT = ROOT / "clients" / "python"
PACKAGES = {
    "notifier": ROOT,
    "handlers": ROOT,
    "amqp": ROOT,
    "static": ROOT,
    "notifier_client": CLIENT,
    "servers": ROOT,
}
"""Each with the folder that it is in."""

MODULES = {
    ".".join(file.relative_to(folder).with_suffix("").parts).removesuffix(".__init__"): file
    for package, folder in PACKAGES.items()
    for file in sorted((folder / package).rglob("*.py"))
}

NOUNS = (
    r"notifier\.(models|events|errors|clock|backoff|limits|faults|wire|batch_wire|inbox_wire|settings|config|addresses|buckets"
    r"|refusals|histogram)"
)
PROCESS = r"notifier\.(process(\..*)?|__main__)"
"""The composition: what builds the parts and starts them may see everything."""

DRIVERS = r"notifier\.storage\.(sqlite|file|postgres|libpq|copy)|notifier\.delivery\.relay\.\w+"
CLIENT = r"notifier\.client|notifier_client(\..*)?"


def _only(*seen: str) -> str:
    """A pattern of everything but modules of these patterns."""
    return rf"(?!({'|'.join(seen)})$).*"


# Who may not see what, both as patterns of whole module names.
FORBIDDEN = {
    "models, errors, clock and backoff stand on nothing of ours": (
        r"notifier\.(models|errors|clock|backoff)",
        ".*",
    ),
    "events are made of models": (r"notifier\.events", _only(r"notifier\.models")),
    "settings stand on nothing, and who reads them knows only errors": (
        r"notifier\.(settings|config)",
        _only(r"notifier\.(errors|settings)"),
    ),
    "the wire knows only the nouns": (
        r"notifier\.(wire|batch_wire|inbox_wire)",
        _only(r"notifier\.(clock|errors|events|models|limits|faults|wire)"),
    ),
    "what can be wrong with a text or a field is known without the rest": (
        r"notifier\.(limits|faults)",
        _only(r"notifier\.errors"),
    ),
    "delivery knows only the nouns": (
        r"notifier\.delivery(\..*)?",
        _only(NOUNS, r"notifier\.delivery(\..*)?"),
    ),
    "storage knows only the nouns": (
        r"notifier\.storage(\..*)?",
        _only(NOUNS, r"notifier\.storage(\..*)?"),
    ),
    "identity knows what is stored": (
        r"notifier\.identity(\..*)?",
        _only(NOUNS, r"notifier\.(identity|storage)(\..*)?"),
    ),
    "sending knows who someone is, and what is stored": (
        r"notifier\.sending(\..*)?",
        _only(NOUNS, r"notifier\.(sending|identity|storage)(\..*)?"),
    ),
    "logging knows only time and how often": (
        r"notifier\.process\.logs",
        _only(r"notifier\.(clock|buckets)"),
    ),
    "drivers are chosen in the composition, and known to each other only": (
        _only(PROCESS, DRIVERS),
        DRIVERS,
    ),
    "handlers see verbs, devices and figures, not the store, the relay or RabbitMQ": (
        r"handlers(\..*)?",
        rf"notifier\.(storage|delivery\.relay)(\..*)?|{CLIENT}|amqp(\..*)?"
        r"|notifier\.process(\.(?!(?:status|exposition)$).*)?",
    ),
    "amqp sees verbs, not the store, connections or HTTP": (
        r"amqp(\..*)?",
        rf"notifier\.(storage|delivery)(\..*)?|{CLIENT}|handlers(\..*)?|{PROCESS}",
    ),
    "servers know what they start from outside": (
        r"servers(\..*)?",
        _only(r"servers(\..*)?"),
    ),
    "the client is a stranger": (
        r"notifier_client(\..*)?",
        _only(r"notifier_client(\..*)?"),
    ),
    "in the server's installation the client has a second name": (
        r"notifier\.client",
        _only("notifier_client"),
    ),
}

# Where each library may be imported.
LIBRARIES = {
    "pika": r"amqp\.(broker|frames)",
    "redis": r"notifier\.delivery\.relay\.\w+|servers\.redis",
    "sqlite3": r"notifier\.storage\.(sqlite|file)",
    "psycopg2": r"notifier\.storage\.(postgres|libpq)|notifier\.process\.parts|servers\.postgres",
    "tornado": (
        r"handlers(\.\w+)+|notifier\.process\.server|amqp\.broker"
        r"|notifier\.identity\.application\.fetching"
    ),
    "httpx": r"notifier_client\.\w+|servers\.prometheus",
    "websockets": r"notifier_client\.sockets",
    "jwt": r"notifier\.identity\.(tokens|application\.(external|verifying))",
    "cryptography": r"notifier\.identity\.application\.verifying",
    "argon2": r"notifier\.identity\.hashes",
    "dotenv": r"notifier\.config",
    "prometheus_client": r"notifier\.process\.metrics",
    "apispec": r"handlers\.openapi\.document",
}


def _statements(node: ast.AST, *, types: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """Imports anywhere in ``node``; those for type checkers only if ``types``."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif types or not (
            isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        ):
            yield from _statements(child, types=types)


def _imports(file: Path, *, types: bool = True) -> set[str]:
    """The modules that ``file`` imports, by their full names."""
    found: set[str] = set()
    for statement in _statements(ast.parse(file.read_text()), types=types):
        if isinstance(statement, ast.Import):
            found |= {alias.name for alias in statement.names}
            continue
        assert statement.level == 0, f"{file}: imports are absolute"
        module = statement.module or ""
        submodules = {f"{module}.{alias.name}" for alias in statement.names} & MODULES.keys()
        # `from notifier import clock` is about the module, `from notifier import __version__` not.
        found |= submodules or {module}
    return found


def _ours(name: str) -> bool:
    # Of the package itself only the version is taken.
    return name.partition(".")[0] in {*PACKAGES, "tests", "benchmarks"} and name != "notifier"


@pytest.mark.parametrize("rule", FORBIDDEN)
def test_imports_point_one_way(rule: str) -> None:
    """No module sees what its layer must not know, not even for its types."""
    who, what = FORBIDDEN[rule]
    watched = [name for name in MODULES if re.fullmatch(who, name)]
    assert watched, "the rule is about nobody"
    seen = {
        f"{name} imports {imported}"
        for name in watched
        for imported in _imports(MODULES[name])
        if _ours(imported) and re.fullmatch(what, imported)
    }
    assert not seen


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_is_known_in_one_place(library: str) -> None:
    """A library can be replaced where it is imported, and nothing else would notice."""
    users = {
        name
        for name, file in MODULES.items()
        for imported in _imports(file)
        if imported.partition(".")[0] == library
    }
    assert users, "nobody uses it"
    assert {name for name in users if not re.fullmatch(LIBRARIES[library], name)} == set()


def test_an_empty_server_is_light() -> None:
    """A server by itself imports no driver that it does not use, and no HTTP client."""
    program = (
        "import sys; from notifier.process import cli; from notifier.process.server import Server; "
        "from notifier.settings import Settings; Server(Settings()); print(*sys.modules)"
    )
    imported = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    assert "notifier.storage.sqlite" in imported
    assert not {"psycopg2", "redis", "pika", "httpx"} & set(imported)


def test_the_client_needs_httpx_alone() -> None:
    """Beside itself and the standard library, the client imports httpx; to listen, websockets."""
    imported = {
        name.partition(".")[0]
        for module, file in MODULES.items()
        if module.partition(".")[0] == "notifier_client"
        for name in _imports(file)
    }
    assert imported - sys.stdlib_module_names == {
        "notifier_client",
        "httpx",
        "websockets",
    }


def test_no_circles() -> None:
    """What imports what, at run time, is a tree without circles."""
    graph = {
        name: {imported for imported in _imports(file, types=False) if imported in MODULES}
        for name, file in MODULES.items()
    }
    for name, imported in graph.items():
        # A package is entered through its __init__, which may gather its own parts.
        imported.discard(name)
    assert len(list(TopologicalSorter(graph).static_order())) >= len(MODULES)


def test_the_map_names_every_module() -> None:
    """CONTRIBUTING.md says of each module in which row of its map it is found."""
    rows = re.findall(r"^\| `([^`]+)/` \| (.*) \|$", (ROOT / "CONTRIBUTING.md").read_text(), re.M)
    mapped = {f"{place}/{name}.py" for place, job in rows for name in re.findall(r"`(\w+)`", job)}
    modules = {str(file.relative_to(ROOT)) for file in MODULES.values() if file.stem != "__init__"}
    assert mapped == modules
