/** What TypeScript makes of the element in JSX, by the declaration of docs/bell.md. */
import type { BellEvents } from "notifier-client/bell";

function route(event: BellEvents["navigate"]) {
  event.preventDefault();
  console.log(event.detail.url);
}

export const right = <notifier-bell user="7" toasts onnavigate={route} ref={(bell) => bell?.open()} />;
// @ts-expect-error an element has no such method
export const wrong = <notifier-bell user="7" ref={(bell) => bell?.ring()} />;
// @ts-expect-error there is no such element
export const unknown = <notifier-bel user="7" />;
