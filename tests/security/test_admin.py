"""What is for superusers is for nobody else, today and tomorrow: the routes say what there is."""

import re

import pytest

from handlers.routes import PATHS
from notifier.identity.keys import digest
from notifier.models import SCOPES
from notifier.storage.operations.keys import CreateApiKey
from notifier.storage.operations.users import SetActive
from tests.support.harness import Harness, Person

METHODS = ("GET", "POST", "PATCH", "DELETE")
OPERATIONS = [
    (method, re.sub(r"\{\w+\}", "1", path))
    for path, handler in PATHS
    if path.startswith("/api/admin/")
    for method in METHODS
    if method.lower() in vars(handler)
]


def test_there_are_some() -> None:
    """The table is not empty, and every handler below the prefix has a method."""
    assert len(OPERATIONS) >= 6


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_superusers_only(server: Harness, method: str, path: str) -> None:
    """Strangers hear 401, users and keys of any scope 403 or 401, before anything is read."""
    store = server.server.store
    await store.submit(CreateApiKey("all", digest("ntf_all"), SCOPES))
    ann, gone = await server.user("ann"), await server.user("gone", is_superuser=True)
    await store.submit(SetActive(gone.id, False))
    admin = server.admin

    def bearer(person: Person, kind: str = "access") -> dict[str, str]:
        return {"Authorization": f"Bearer {server.token(person, kind)}"}  # type: ignore[arg-type]

    for status, headers in (
        (401, {}),
        (401, {"Authorization": "Bearer x"}),
        (401, {"Authorization": "Bearer ntf_all"}),
        (401, {"X-API-Key": "ntf_all"}),
        (401, bearer(admin, "identity")),
        (401, bearer(admin, "refresh")),
        (401, bearer(gone)),
        (401, {"Authorization": f"Bearer {server.token(admin, 'access', version=7)}"}),
        (403, bearer(ann)),
        (403, bearer(ann) | {"X-API-Key": "ntf_all"}),
    ):
        answer = await server.http.request(method, path, headers=headers)
        assert answer.status_code == status, headers
        assert set(answer.json()) == {"detail", "code"}
