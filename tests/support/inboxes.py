"""An inbox in which nothing happens, for hubs without a store."""

from notifier.models import InboxCounts, InboxNews


async def no_news(user_id: int, after: int | None) -> InboxNews:
    """Nothing is unread and nothing has changed."""
    return InboxNews(InboxCounts(0, 0, 0, 0, None), ())
