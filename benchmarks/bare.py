"""The yardstick: a bare Tornado handler that parses the JSON and calls write_message.

It stores nothing, checks nothing and forgets what nobody receives. Prints its port.
"""

import asyncio
import json

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler

connected: dict[int, set[WebSocketHandler]] = {}


class Feed(WebSocketHandler):
    def open(self, user_id: str) -> None:
        connected.setdefault(int(user_id), set()).add(self)

    def on_message(self, message: str | bytes) -> None:
        json.loads(message)

    def on_close(self) -> None:
        connected[int(self.open_args[0])].discard(self)


class Send(RequestHandler):
    def post(self) -> None:
        body = json.loads(self.request.body)
        frame = json.dumps({"type": "server_notification", "key": "k", "value": body["payload"]})
        for feed in connected.get(body["user_id"], ()):
            feed.write_message(frame)
        self.write({"user_id": body["user_id"], "payload": body["payload"]})


async def main() -> None:
    application = Application(
        [(r"/api/notifications/send/", Send), (r"/ws/notifications/(\d+)/", Feed)]
    )
    sockets = bind_sockets(0, "127.0.0.1")
    HTTPServer(application).add_sockets(sockets)
    print(f"running on http://127.0.0.1:{sockets[0].getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
