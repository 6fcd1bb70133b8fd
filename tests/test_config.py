"""Settings: where they come from, what they want, and what is said when they do not fit."""

from pathlib import Path

import msgspec
import pytest

from notifier.config import CLIENT_NAMES, SETTINGS, Loaded, load
from notifier.errors import InvalidSettings
from notifier.settings import Settings
from tests.support.harness import SECRET

NOWHERE = Path("/nonexistent/.env")


def loaded(dotenv: Path = NOWHERE, flags: dict[str, str] | None = None, **variables: str) -> Loaded:
    return load(flags or {}, variables, dotenv)


def refusal(**variables: str) -> str:
    with pytest.raises(InvalidSettings) as refused:
        loaded(**variables)
    return refused.value.message


def test_defaults() -> None:
    """Without any setting, everything has its default and nothing is complained about."""
    result = loaded()
    assert result.settings == Settings()
    assert (result.sources, result.warnings, result.client) == ({}, (), {})


def test_flags_then_environment_then_file(tmp_path: Path) -> None:
    """The nearest source wins, and is remembered."""
    dotenv = tmp_path / ".env"
    dotenv.write_text("NOTIFIER_PORT=1\nNOTIFIER_HOST=file\nNOTIFIER_DATA_DIR='a b' # comment\n")
    result = loaded(
        dotenv, {"port": "3"}, NOTIFIER_PORT="2", NOTIFIER_HOST="environment", UNRELATED="x"
    )
    settings = result.settings
    assert (settings.port, settings.host, settings.data_dir) == (3, "environment", "a b")
    assert result.sources == {
        "port": "--port",
        "host": "NOTIFIER_HOST",
        "data_dir": f"NOTIFIER_DATA_DIR in {dotenv}",
    }


def test_empty_counts_as_unset(tmp_path: Path) -> None:
    """An empty variable, as compose files pass them on, hides nothing and breaks nothing."""
    dotenv = tmp_path / ".env"
    dotenv.write_text("NOTIFIER_PORT=1\nNOTIFIER_URL=http://file\nNOTIFIER_HOST=\nSECRET_KEY\n")
    result = loaded(dotenv, NOTIFIER_PORT="", NOTIFIER_QUEUE_SIZE="", NOTIFIER_URL="")
    assert (result.settings.port, result.settings.host) == (1, "127.0.0.1")
    assert result.client == {"NOTIFIER_URL": "http://file"}


@pytest.mark.parametrize(
    ("variable", "value", "wants"),
    [
        ("NOTIFIER_PORT", "abc", "a whole number from 0 to 65535"),
        ("NOTIFIER_PORT", "65536", "a whole number from 0 to 65535"),
        ("NOTIFIER_PORT", "-1", "a whole number from 0 to 65535"),
        ("NOTIFIER_PORT", "80.5", "a whole number from 0 to 65535"),
        ("NOTIFIER_QUEUE_SIZE", "0", "a whole number of at least 1"),
        ("NOTIFIER_REQUEST_TIMEOUT", "0", "a number above 0"),
        ("NOTIFIER_REQUEST_TIMEOUT", "inf", "a number above 0"),
        ("NOTIFIER_DRAIN_SECONDS", "nan", "a number of at least 0"),
        ("NOTIFIER_DRAIN_SECONDS", "-0.1", "a number of at least 0"),
        ("NOTIFIER_OPEN_SEND", "maybe", "1 or 0"),
        ("NOTIFIER_LOG_LEVEL", "Loud", "one of debug, error, info, warning"),
        ("NOTIFIER_LOG_FORMAT", "xml", "one of json, text"),
    ],
)
def test_values_that_do_not_fit(variable: str, value: str, wants: str) -> None:
    """The message says which setting, what it got and what it wants."""
    assert refusal(**{variable: value}) == f"{variable}: got {value!r}, wants {wants}."


def test_a_secret_that_does_not_fit_is_not_shown() -> None:
    """A short SECRET_KEY is refused by its length, without being repeated."""
    message = refusal(SECRET_KEY="hush-hush")
    assert message == "SECRET_KEY: wants at least 32 characters."


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("true", True), ("0", False), ("false", False)]
)
def test_switches(text: str, value: bool) -> None:
    """A switch is 1 or 0, or the words."""
    assert loaded(NOTIFIER_OPEN_SEND=text).settings.open_send is value


@pytest.mark.parametrize("text", ["warning", "WARNING", "Warning"])
def test_words_in_any_case(text: str) -> None:
    """Where a setting is one of a few words, capitals make no difference."""
    assert loaded(NOTIFIER_LOG_LEVEL=text).settings.log_level == "warning"
    assert loaded(flags={"log_level": text}).settings.log_level == "warning"
    result = loaded(NOTIFIER_LOG_FORMAT="JSON", NOTIFIER_RABBIT_EXCHANGE_TYPE="Direct")
    assert result.settings.log_format == "json"
    assert result.settings.rabbit_exchange_type == "direct"
    assert loaded(NOTIFIER_OPEN_SEND="TRUE").settings.open_send


def test_capitals_elsewhere_stay() -> None:
    """What is not one of a few words is taken as it is written."""
    assert loaded(NOTIFIER_RABBIT_QUEUE="Mine").settings.rabbit_queue == "Mine"


def test_unknown_settings_are_warned_about() -> None:
    """A misspelt name has no effect, and the nearest one is suggested; others are not ours."""
    result = loaded(NOTIFIER_PROT="1", NOTIFIER_SOMETHING_ELSE="2", NOTIFY="3", PORT="4")
    assert result.warnings == (
        "NOTIFIER_PROT is not a setting and has no effect; did you mean NOTIFIER_PORT?",
        "NOTIFIER_SOMETHING_ELSE is not a setting and has no effect",
    )


def test_what_the_client_reads_is_known(tmp_path: Path) -> None:
    """The client's variables are no mistakes of the server's, in the file too."""
    dotenv = tmp_path / ".env"
    dotenv.write_text("NOTIFIER_URL=http://file\nNOTIFIER_API_KEY=file\n")
    result = loaded(dotenv, NOTIFIER_URL="http://environment")
    assert result.warnings == ()
    assert result.client == {"NOTIFIER_URL": "http://environment", "NOTIFIER_API_KEY": "file"}
    assert set(result.client) == CLIENT_NAMES


def test_secrets_have_only_a_flag_for_a_file(tmp_path: Path) -> None:
    """Arguments are public, so that a secret's flag names a file that holds it."""
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    result = loaded(flags={"secret_key": str(file)}, SECRET_KEY="x" * 40)
    assert result.settings.secret_key == SECRET
    assert result.sources == {"secret_key": "--secret-key-file"}
    assert all(setting.flag.endswith("-file") for setting in SETTINGS if setting.secret)


@pytest.mark.parametrize(
    ("content", "problem"), [(None, "No such file"), (b"\xff" * 40, "not valid UTF-8")]
)
def test_files_that_cannot_be_read(tmp_path: Path, content: bytes | None, problem: str) -> None:
    """A secret's file that is missing or not text is refused by name."""
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidSettings, match=problem) as refused:
        loaded(flags={"secret_key": str(file)})
    assert "--secret-key-file" in refused.value.message


def test_a_dotenv_that_cannot_be_read(tmp_path: Path) -> None:
    """A .env that is not text is refused by name."""
    (tmp_path / ".env").write_bytes(b"NOTIFIER_HOST=\xff\n")
    with pytest.raises(InvalidSettings, match="not valid UTF-8"):
        loaded(tmp_path / ".env")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.5", False),
        ("example.org", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    """Only addresses of this very machine count as closed to others."""
    assert Settings(host=host).loopback is loopback


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8002"),
        ("0.0.0.0", "http://127.0.0.1:8002"),
        ("::", "http://[::1]:8002"),
        ("::1", "http://[::1]:8002"),
        ("example.org", "http://example.org:8002"),
    ],
)
def test_where_the_server_is(host: str, url: str) -> None:
    """From this machine a server that listens everywhere is found on loopback."""
    assert Settings(host=host).url == url


def test_every_setting_is_explained() -> None:
    """Each has a description, and a variable and a flag of its own."""
    assert all(setting.description for setting in SETTINGS)
    assert len({setting.variable for setting in SETTINGS}) == len(SETTINGS)
    assert len({setting.flag for setting in SETTINGS}) == len(SETTINGS)
    assert [setting.field for setting in SETTINGS] == list(Settings.__struct_fields__)
    for setting in SETTINGS:
        msgspec.convert(setting.default, setting.type)


@pytest.mark.parametrize(
    "origin",
    ["app.example", "https://", "https://app.example/", "https://app.example/x", "ftp://a", "* *"],
)
def test_origins_that_are_none(origin: str) -> None:
    """What is no origin is refused, with an example of one; several are told apart by commas."""
    said = refusal(NOTIFIER_INBOX_ORIGINS=f"https://app.example, {origin}")
    assert "NOTIFIER_INBOX_ORIGINS" in said
    assert f"got {origin!r}, expected an origin such as https://app.example.org" in said
    fine = loaded(NOTIFIER_INBOX_ORIGINS=" https://a.example:8443,http://localhost , ").settings
    assert fine.allowed_origins == {"https://a.example:8443", "http://localhost"}
    assert loaded(NOTIFIER_INBOX_ORIGINS="*").settings.allowed_origins == {"*"}
