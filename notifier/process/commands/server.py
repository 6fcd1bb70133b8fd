"""The server itself, its settings and its store."""

from notifier.config import SETTINGS, Loaded
from notifier.process.commands.output import print_table
from notifier.process.commands.running import Options
from notifier.process.in_force import without_secrets
from notifier.process.parts import make_driver


def serve(options: Options, loaded: Loaded) -> int:
    # The other commands start in three quarters of the time without a server's parts.
    from notifier.process.run import run  # noqa: PLC0415

    return run(loaded.settings)


def check_config(options: Options, loaded: Loaded) -> int:
    for setting in SETTINGS:
        value = getattr(loaded.settings, setting.field)
        if setting.secret:
            value = "(set)" if value else "(not set)"
        value = without_secrets(str(value)).replace("\n", "\\n")  # each setting has one line
        source = loaded.sources.get(setting.field, "default")
        print(f"{setting.variable:<28} {value:<20} {source}")
    return 0


def migrate(options: Options, loaded: Loaded) -> int:
    driver = make_driver(loaded.settings, exclusive=False)
    applied = driver.prepare()
    driver.close()
    what = "1 migration" if applied == 1 else f"{applied} migrations"
    print(f"Applied {what}." if applied else "The schema is up to date.")
    return 0


def copy(options: Options, loaded: Loaded) -> int:
    from notifier.storage.copy import copy as copy_store  # noqa: PLC0415 - only where it is used
    from notifier.storage.copy import driver_at  # noqa: PLC0415 - only where it is used

    source, target = driver_at(options.source, existing=True), driver_at(options.target)
    try:
        report = copy_store(source, target)
    finally:
        source.close()
        target.close()
    rows = [(name, each.rows, each.checksum) for name, each in report.tables.items()]
    print_table(("TABLE", "ROWS", "CHECKSUM"), rows)
    return 0
