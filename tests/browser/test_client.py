"""The browser's client in a page that is not ours."""

import httpx

from tests.browser.backend import Backend
from tests.browser.conftest import ForeignSite, Visit
from tests.support.harness import ADMIN_PASSWORD

RECEIVE = """async ([url, token]) => {
  const { NotifierClient } = await import(`${url}/static/notifier.js`);
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
    credentials = {"username": "admin", "password": ADMIN_PASSWORD}
    async with httpx.AsyncClient(base_url=backend.url) as http:
        tokens = (await http.post("/api/users/token/", json=credentials)).json()
    backend.send({"title": "Hello"})
    assert await page.evaluate(RECEIVE, [backend.url, tokens["identity"]]) == {"title": "Hello"}
