/** What an app writes must compile against notifier.d.ts, and what is wrong must not. */
import { NotifierClient, type ServerNotification } from "../../static/notifier.js";
import type { Environment, Options } from "../../static/notifier.js";

const client = new NotifierClient({
  userId: 1,
  getToken: async () => (await fetch("/my/identity-token")).text(),
  ack: "manual",
  retry: { cap: 10_000 },
});
client.addEventListener("notification", ({ detail }) => {
  const kept: ServerNotification = detail;
  console.log(kept.seq.toFixed(), kept.createdAt.toISOString(), kept.raw, kept.value.title);
  kept.ack();
});
client.addEventListener("state", ({ detail }) => console.log(detail.state, detail.retryAt));
client.addEventListener("error", ({ detail }) => console.error(detail.message));
client.connect();

// @ts-expect-error an acknowledgement mode that doesn't exist
const wrongMode: Options = { userId: 1, getToken: () => null, ack: "never" };
// @ts-expect-error a client needs to know whose notifications it gets
new NotifierClient({ getToken: () => null });
// @ts-expect-error there is one user, not two
new NotifierClient({ userId: 1, user: "ann", getToken: () => null });
new NotifierClient({ user: "auth0|5f7c", getToken: () => null });
// @ts-expect-error states are words from a list
if (client.status.state === "asleep") client.close();

const clock: Pick<Environment, "now"> = { now: () => 0 };
new NotifierClient({ userId: "1", getToken: () => "t", environment: clock });
console.log(wrongMode);

// The `ws` package's class, as far as its types go.
declare class NodeSocket {
  constructor(address: string | URL, options?: { perMessageDeflate?: boolean });
  constructor(address: string | URL, protocols?: string | string[], options?: { perMessageDeflate?: boolean });
  readonly readyState: 0 | 1 | 2 | 3;
  onopen: ((event: { target: NodeSocket }) => void) | null;
  onmessage: ((event: { data: string | ArrayBuffer }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: { error: unknown; message: string }) => void) | null;
  send(data: string | Uint8Array, done?: (error?: Error) => void): void;
  close(code?: number, reason?: string): void;
}
new NotifierClient({ userId: 1, getToken: () => "a.b.c", environment: { WebSocket: NodeSocket } });
new NotifierClient({ userId: 1, getToken: () => "a.b.c", environment: { WebSocket } });

// The inbox.
import { Inbox, InboxError } from "../../static/notifier-inbox.js";
import type { Changed, Filter, Item, View } from "../../static/notifier-inbox.js";

const inbox = new Inbox({ userId: 1, getToken: () => "a.b.c", deadline: 5_000 });
const view: View = inbox.view({ status: "unread", category: "news" });
view.addEventListener("change", () => {
  for (const item of view.items) show(item);
  console.log(view.fresh.toFixed(), view.more, view.state === "failed" && view.error?.message);
});
inbox.addEventListener("counts", ({ detail }) => console.log(detail.unread + detail.unseen));
inbox.addEventListener("withdrawn", ({ detail }) => console.log(detail.toUpperCase()));
inbox.addEventListener("notification", ({ detail }) => detail.priority === "low" || show(detail));
client.addEventListener("inbox", ({ detail }) => {
  if (detail.type === "inbox_changed") console.log(detail.changes[0].read_at);
});

function show({ key, message, raw, readAt, createdAt }: Item): void {
  console.log(key, message?.title ?? raw, message?.actions[0]?.url, readAt?.getTime(), createdAt.getTime());
}

async function clear(): Promise<void> {
  await view.load();
  const changed: Changed = await inbox.readAll({ category: null });
  if (changed.changed) await changed.undo();
  await inbox.snooze([view.items[0].key], new Date(Date.now() + 3_600_000));
  await inbox.archive(new Set(["a"])).catch((error) => error instanceof InboxError && console.log(error.code));
}
void clear();

// @ts-expect-error there is no such list
const wrongFilter: Filter = { status: "starred" };
// @ts-expect-error a moment is a Date
void inbox.snooze(["a"], "tomorrow");
// @ts-expect-error items never change
view.items[0].readAt = new Date();
// @ts-expect-error a view is the inbox's to make
new View();
console.log(wrongFilter);

// The bell.
import type { Words } from "../../static/notifier-bell.js";
const bell = document.querySelector("notifier-bell");
if (bell) {
  bell.words = { title: "Meldungen", fresh: (count) => `${count} neue` };
  bell.prepare().then((inbox) => inbox?.readAll());
  bell.renderItem = (item) => item.message?.title ?? null;
  bell.addEventListener("navigate", (event) => console.log(event.detail.item.seq, event.detail.url));
}
// @ts-expect-error the words are known
const wrongWords: Partial<Words> = { titel: "Meldungen" };
console.log(wrongWords);
