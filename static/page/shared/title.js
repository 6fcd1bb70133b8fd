/** The tab's title: where one is, and how much came while nobody looked. */

const NAME = "Notifier";
let place = "";
let unseen = 0;

/** @param {string} name of a view; none is the inbox */
export function showPlace(name) {
  place = name;
  write();
}

/** @param {number} count of notifications */
export function showUnseen(count) {
  unseen = count;
  write();
}

function write() {
  const title = place ? `${place} – ${NAME}` : NAME;
  document.title = unseen ? `(${unseen}) ${title}` : title;
}
