"""Run a command that needs what the store keeps, beside a server or without one."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

from notifier.config import Loaded
from notifier.events import Withdrawn
from notifier.identity import Identity
from notifier.identity.passwords import Passwords
from notifier.process.parts import make_driver, make_identity
from notifier.sending.service import NotificationService
from notifier.settings import Settings
from notifier.storage.store import Store
from notifier.wire import ForSomebody, WithdrawRequest

T = TypeVar("T")
Options = argparse.Namespace
Command = Callable[[Options, Loaded], int]
Verb = Callable[[Options, Identity], Awaitable[int]]


@asynccontextmanager
async def _identity(settings: Settings) -> AsyncIterator[Identity]:
    store = Store(make_driver(settings, exclusive=False), readers=1)
    passwords = Passwords()
    await store.open()
    try:
        yield make_identity(settings, store, passwords)
    finally:
        await store.close()
        passwords.close()


def withdraw_beside(settings: Settings, whose: ForSomebody, key: str) -> Withdrawn:
    """Take a notification back in the store. Raises UnknownNotification, InvalidField or others."""
    request = WithdrawRequest(user_id=whose.user_id, user=whose.user, key=key)

    async def withdrawing() -> Withdrawn:
        store = Store(make_driver(settings, exclusive=False), readers=1)
        await store.open()
        try:
            return await NotificationService(store).submit_withdrawal(request)
        finally:
            await store.close()

    return asyncio.run(withdrawing())


def run(settings: Settings, verb: Callable[[Identity], Awaitable[T]]) -> T:
    """What ``verb`` returns, which is given the verbs of identity."""

    async def running() -> T:
        async with _identity(settings) as identity:
            return await verb(identity)

    return asyncio.run(running())


def with_identity(verb: Verb) -> Command:
    """A command that needs the verbs of identity."""
    return lambda options, loaded: run(loaded.settings, partial(verb, options))
