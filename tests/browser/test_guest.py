"""The page, opened by an application with a token of its user."""

import time
from collections.abc import Callable

import pytest
from playwright.async_api import Page, expect

from tests.browser.backend import Backend
from tests.browser.conftest import Visit, headline
from tests.browser.test_quality import violations
from tests.support.issuer import AUDIENCE, ISSUER, SigningKey, claims
from tests.support.people import identity_of

AGAIN = "Your access has ended. Open this page again from your application."


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return SigningKey("EC", None)


@pytest.fixture
def external(start_backend: Callable[..., Backend], key: SigningKey) -> Backend:
    """A server whose users are an application's."""
    return start_backend(
        NOTIFIER_USERS="external",
        NOTIFIER_JWT_PUBLIC_KEY=key.pem.replace("\n", "\\n"),
        NOTIFIER_JWT_ISSUER=ISSUER,
        NOTIFIER_JWT_AUDIENCE=AUDIENCE,
    )


async def addresses(page: Page) -> str:
    """What the page's address is, and was, as far as the page can be led back."""
    return str(await page.evaluate("[location.href, JSON.stringify(history.state)].join()"))


async def test_a_user_of_the_application(external: Backend, visit: Visit, key: SigningKey) -> None:
    """Its token shows the feed at once; no address has it, and nothing offers to sign out."""
    token = key.sign(claims("auth0|5f7c"))
    visitor = await visit(external)
    seen: list[str] = []
    visitor.context.on("request", lambda request: seen.append(request.url))
    page = await visitor.open(f"#token={token}")
    page.on("websocket", lambda socket: seen.append(socket.url))
    await expect(page.locator("#light")).to_have_text("Connected")
    await expect(page.locator("#who")).to_have_text("auth0|5f7c")
    await expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    await expect(page.locator("#tools")).to_be_hidden()
    assert await addresses(page) == f"{external.page},null"
    assert not [url for url in seen if token in url]
    await page.reload()
    await expect(page.locator("#outside-text")).to_have_text(
        "You get in from your application: open this page from there."
    )
    await page.go_back()
    assert "token" not in page.url
    assert not visitor.problems


async def test_the_feed(backend: Backend, visit: Visit) -> None:
    """An identity token of an account opens its feed as well."""
    visitor = await visit(backend)
    page = await visitor.open(f"#token={identity_of(1)}")
    await expect(page.locator("#light")).to_have_text("Connected")
    backend.send({"title": "Hello"})
    await expect(headline(page, "Hello")).to_be_visible()
    await expect(page.locator("#tools")).to_be_hidden()
    assert not visitor.problems


async def test_the_end(external: Backend, visit: Visit, key: SigningKey) -> None:
    """When the token ends, the page says where to get another, and takes it where it is."""
    visitor = await visit(external)
    page = await visitor.open(f"#token={key.sign(claims(exp=int(time.time()) + 4))}")
    await expect(page.locator("#light")).to_have_text("Connected")
    await expect(page.locator("#outside-text")).to_have_text(AGAIN)
    assert await violations(page) == []
    await page.goto(f"{external.page}#token={key.sign(claims('bob'))}")
    await expect(page.locator("#light")).to_have_text("Connected")
    await expect(page.locator("#who")).to_have_text("bob")
    assert await addresses(page) == f"{external.page},null"
    assert not visitor.problems


@pytest.mark.parametrize("token", ["", "nonsense", "%00", "a.b.c", "x&y=<b>"])
async def test_nobody(external: Backend, visit: Visit, token: str) -> None:
    """A token that does not hold lets nobody in, and leaves the address too."""
    visitor = await visit(external)
    page = await visitor.open(f"#token={token}")
    await expect(page.locator("#outside-text")).to_have_text(AGAIN)
    assert await addresses(page) == f"{external.page},null"
    assert not visitor.problems
