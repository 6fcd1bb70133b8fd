/** The count where a person sees it while another tab is open: the page's title, and its icon. */

const COUNTED = /^\(\d+\+?\) /;
const SIZE = 64;

export class Badges {
  /** @type {TitleBadge | null} */
  #title = null;
  /** @type {FaviconBadge | null} */
  #favicon = null;

  /** A count for each; empty for none. @param {string} title @param {string} favicon */
  show(title, favicon) {
    if (title) this.#title ??= new TitleBadge();
    if (favicon) this.#favicon ??= new FaviconBadge();
    this.#title?.show(title);
    this.#favicon?.show(favicon);
  }

  /** Leave the page as it was. */
  remove() {
    this.show("", "");
    this.#title?.changes.disconnect();
    this.#title = null;
  }
}

/** Keeps the count before the title, whoever changes that. */
class TitleBadge {
  #count = "";
  changes = new MutationObserver(() => this.#write());

  constructor() {
    this.changes.observe(document.head, { subtree: true, childList: true, characterData: true });
  }

  /** @param {string} count */
  show(count) {
    this.#count = count;
    this.#write();
  }

  #write() {
    const plain = document.title.replace(COUNTED, "");
    const title = this.#count ? `(${this.#count}) ${plain}` : plain;
    if (document.title !== title) document.title = title;
  }
}

/** Draws the count onto the page's icon; where it has none, that is an icon. */
class FaviconBadge {
  #link = /** @type {HTMLLinkElement} */ (document.querySelector("link[rel~=icon]") ?? emptyIcon());
  #original = this.#link.href;
  #asked = 0;

  /** @param {string} count */
  async show(count) {
    const asked = ++this.#asked;
    const address = count ? await picture(count, this.#original) : this.#original;
    if (asked !== this.#asked) return;
    this.#link.href = address;
    if (!address) this.#link.remove();
    else if (!this.#link.isConnected) document.head.append(this.#link);
  }
}

function emptyIcon() {
  const link = document.createElement("link");
  link.rel = "icon";
  return link;
}

/** @param {string} count @param {string} original the address of the icon below it, if there is one */
async function picture(count, original) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE;
  const pen = canvas.getContext("2d");
  if (!pen) return original;
  const image = original && (await loaded(original));
  if (image) pen.drawImage(image, 0, 0, SIZE, SIZE);
  pen.fillStyle = "#c8261b";
  pen.arc(42, 22, 22, 0, 2 * Math.PI);
  pen.fill();
  pen.fillStyle = "#fff";
  pen.textAlign = "center";
  pen.font = `bold ${count.length > 1 ? 26 : 34}px sans-serif`;
  pen.fillText(count, 42, count.length > 1 ? 31 : 34);
  return canvas.toDataURL();
}

/** An icon that may be drawn; null if it can't be had. @param {string} address */
async function loaded(address) {
  const image = new Image();
  image.crossOrigin = "anonymous";
  image.src = address;
  return image.decode().then(() => image, () => null);
}
