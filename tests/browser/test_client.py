"""The browser's client in a page that is not ours."""

from pathlib import Path

import httpx

from tests.browser.backend import Backend
from tests.browser.conftest import ForeignSite, Visit
from tests.support.harness import ADMIN_PASSWORD
from tests.support.history import previous_release

RECEIVE = """async ([url, token, source]) => {
  const { NotifierClient } = await import(`${source}/static/notifier.js`);
  const client = new NotifierClient({ url, userId: 1, getToken: () => token });
  const received = new Promise((resolve, reject) => {
    client.addEventListener("notification", ({ detail }) => resolve(detail.value));
    client.addEventListener("error", ({ detail }) => reject(detail));
  });
  client.connect();
  return received.finally(() => client.close());
}"""


async def test_an_app_of_another_origin_imports_it(
    backend: Backend, visit: Visit, foreign: ForeignSite
) -> None:
    """Its one import brings the whole client, which receives there what is sent."""
    page = await (await visit(backend)).context.new_page()
    await page.goto(foreign.other_site)
    token = await identity(backend)
    backend.send({"title": "Hello"})
    arguments = [backend.url, token, backend.url]
    assert await page.evaluate(RECEIVE, arguments) == {"title": "Hello"}


async def test_a_server_of_the_previous_release(
    backend: Backend, visit: Visit, foreign: ForeignSite, tmp_path: Path
) -> None:
    """While processes are replaced, this client may meet the release before: it connects too."""
    for folder in ("code", "server"):
        (tmp_path / folder).mkdir()
    code = previous_release(tmp_path / "code")
    previous = Backend(tmp_path / "server", PYTHONPATH=str(code))
    previous.start()
    try:
        previous.send({"title": "Hello"})
        page = await (await visit(backend)).context.new_page()
        await page.goto(foreign.other_site)
        arguments = [previous.url, await identity(previous), backend.url]
        assert await page.evaluate(RECEIVE, arguments) == {"title": "Hello"}
    finally:
        previous.close()


async def identity(backend: Backend) -> str:
    """An identity token of the administrator."""
    credentials = {"username": "admin", "password": ADMIN_PASSWORD}
    async with httpx.AsyncClient(base_url=backend.url) as http:
        answer = await http.post("/api/users/token/", json=credentials)
    return str(answer.json()["identity"])
