"""Changes of users and recipients that servers must hear of, whichever process makes them."""

from notifier.storage.contract import WriteSession


def record_change(session: WriteSession, user_id: int, reason: str, now: int) -> None:
    """Have all servers end the connections whose tokens no longer hold.

    Within an operation that keeps all others of its kind waiting: changes are seen in the
    order of their ids.
    """
    session.run(
        "INSERT INTO user_changes (user_id, reason, created_at) VALUES (?, ?, ?)",
        (user_id, reason, now),
    )
