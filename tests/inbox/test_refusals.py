"""Changes that are refused, in which words; nothing is changed by them."""

from datetime import UTC, datetime

import pytest

from tests.inbox.inbox import PATH, Inbox, in_seconds

KEYS = ["Expected a list of 1 to 100 keys of notifications."]
UNTIL = ["Expected a moment such as 2026-12-31T12:00:00Z, or null."]
WITHIN = ["Expected a moment within the next year."]
SOON = in_seconds(3600)

BODIES = [
    ("read", {}, {"keys": ["One of keys and up_to is required."]}),
    ("read", {"keys": ["a"], "up_to": 1}, {"keys": ["Not together with up_to or category."]}),
    ("read", {"keys": ["a"], "category": "a"}, {"keys": ["Not together with up_to or category."]}),
    ("read", {"category": "a"}, {"keys": ["One of keys and up_to is required."]}),
    ("read", {"keys": []}, {"keys": KEYS}),
    ("read", {"keys": "a"}, {"keys": KEYS}),
    ("read", {"keys": None}, {"keys": ["This field may not be null."]}),
    ("read", {"keys": [1]}, {"keys": KEYS}),
    ("read", {"keys": [""]}, {"keys": KEYS}),
    ("read", {"keys": ["k" * 201]}, {"keys": KEYS}),
    ("read", {"keys": ["a"] * 101}, {"keys": KEYS}),
    ("read", {"keys": ["a\0b"]}, {"keys": ["Expected the key of a notification."]}),
    ("read", {"keys": ["a", "\n"]}, {"keys": ["Expected the key of a notification."]}),
    ("read", {"up_to": 2}, {"up_to": ["The last seq of this user is 1."]}),
    ("read", {"up_to": -1}, {"up_to": ["Expected a seq, a whole number."]}),
    ("read", {"up_to": "1"}, {"up_to": ["Expected a seq, a whole number."]}),
    ("read", {"up_to": 1.5}, {"up_to": ["Expected a seq, a whole number."]}),
    ("read", {"up_to": 2**63}, {"up_to": ["Expected a seq, a whole number."]}),
    ("read", {"up_to": None}, {"up_to": ["This field may not be null."]}),
    ("read", {"up_to": 1, "category": ""}, {"category": []}),
    ("read", {"up_to": 1, "category": "a\x85"}, {"category": []}),
    ("read", {"keyz": ["a"]}, {"keyz": ["Unknown field; did you mean keys?"]}),
    ("read", {"keys": ["a"], "until": SOON}, {"until": ["Unknown field."]}),
    ("snooze", {"keys": ["a"]}, {"until": ["This field is required."]}),
    ("snooze", {"keys": ["a"], "until": "soon"}, {"until": UNTIL}),
    ("snooze", {"keys": ["a"], "until": 5}, {"until": UNTIL}),
    ("snooze", {"keys": ["a"], "until": "2020-01-01T00:00:00Z"}, {"until": WITHIN}),
    ("snooze", {"keys": ["a"], "until": in_seconds(367 * 86400)}, {"until": WITHIN}),
    ("snooze", {"keys": ["a"], "until": "0001-01-01T00:00:00Z"}, {"until": WITHIN}),
    ("snooze", {"keys": ["a"], "until": "9999-12-31T23:59:59-23:59"}, {"until": WITHIN}),
    (
        "snooze",
        {"keys": ["a"], "until": SOON.partition("+")[0]},
        {"until": ["A time zone is missing, such as Z."]},
    ),
    ("undo", {}, {"version": ["This field is required."]}),
    ("undo", {"version": "1"}, {"version": ["Expected a version, a whole number."]}),
    ("undo", {"version": -1}, {"version": ["Expected a version, a whole number."]}),
    ("undo", {"version": 1, "keys": []}, {"keys": ["Unknown field."]}),
]


async def test_bodies(inbox: Inbox) -> None:
    """Each body that does not fit is refused, and told by which field and why."""
    await inbox.send("a")
    for verb, body, problems in BODIES:
        answer = await inbox.post(verb, **body)
        assert answer.status_code == 400, (verb, body, answer.text)
        told = answer.json()
        assert set(told) == set(problems), (verb, body, told)
        for field, words in problems.items():
            assert told[field] == words or (not words and told[field]), (verb, body, told)
    assert await inbox.get("changes/", after=0) == {
        "changes": [],
        "unread": 1,
        "unseen": 1,
        "seq": 1,
        "version": 0,
    }


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff", b'{"keys": ["a"]', b"[" * 5000])
async def test_what_is_no_body(inbox: Inbox, body: bytes) -> None:
    """So is what is no JSON object."""
    for verb in ("read", "snooze", "undo"):
        answer = await inbox.server.post(body, f"{PATH}{verb}/", headers=inbox.headers)
        assert answer.status_code == 400, answer.text


async def test_another_type(inbox: Inbox) -> None:
    """A page of another origin can't post without asking first: any type but JSON is refused."""
    answer = await inbox.server.http.post(
        f"{PATH}read/", content=b'{"keys": ["a"]}', headers=inbox.headers
    )
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


async def test_methods_and_paths(inbox: Inbox) -> None:
    """What only looks is GET, what changes is POST; with and without the slash."""
    http = inbox.server.http
    for path, method in (("", "GET"), ("count/", "GET"), ("changes/", "GET"), ("read/", "POST")):
        other = "POST" if method == "GET" else "GET"
        refused = await http.request(other, PATH + path, headers=inbox.headers)
        assert refused.status_code == 405
        assert set(refused.headers["Allow"].split(", ")) == {method, "OPTIONS"}
    assert (await http.get("/api/inbox", headers=inbox.headers)).status_code == 200
    assert (await http.get("/api/inbox/count", headers=inbox.headers)).status_code == 200
    assert (await http.get("/api/inbox/nothing/", headers=inbox.headers)).status_code == 404


async def test_moments_with_any_zone(inbox: Inbox) -> None:
    """Any zone will do; answers are in UTC, with milliseconds."""
    await inbox.send("a")
    year = datetime.now(UTC).year
    until = f"{year}-12-31T23:00:00.5-05:00"
    await inbox.do("snooze", "a", until=until)
    assert (await inbox.item("a"))["snoozed_until"] == f"{year + 1}-01-01T04:00:00.500Z"
