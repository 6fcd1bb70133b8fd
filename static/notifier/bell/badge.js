/** The count where a person sees it while another tab is open: the page's title, and its icon. */

const MOST = 99;
const COUNTED = /^\(\d+\+?\) /;
const SIZE = 64;

/** @param {number} count */
export function capped(count) {
  return count > MOST ? `${MOST}+` : String(count);
}

/** Keeps the count before the title, whoever changes that. */
export class TitleBadge {
  #count = 0;
  #changes = new MutationObserver(() => this.#write());

  constructor() {
    this.#changes.observe(document.head, { subtree: true, childList: true, characterData: true });
  }

  /** @param {number} count */
  show(count) {
    this.#count = count;
    this.#write();
  }

  remove() {
    this.#changes.disconnect();
    this.show(0);
  }

  #write() {
    const plain = document.title.replace(COUNTED, "");
    const title = this.#count ? `(${capped(this.#count)}) ${plain}` : plain;
    if (document.title !== title) document.title = title;
  }
}

/** Draws the count onto the page's icon. */
export class FaviconBadge {
  #link = /** @type {HTMLLinkElement | null} */ (document.querySelector("link[rel~=icon]"));
  #own = this.#link ? null : document.head.appendChild(emptyIcon());
  #original = this.#link?.href ?? "";
  #asked = 0;

  /** @param {number} count */
  async show(count) {
    const asked = ++this.#asked;
    const link = this.#link ?? this.#own;
    if (!link) return;
    const address = count ? await this.#drawn(count) : this.#original;
    if (asked !== this.#asked) return;
    if (address) link.href = address;
    else link.removeAttribute("href");
  }

  remove() {
    this.show(0);
    this.#own?.remove();
  }

  /** @param {number} count */
  async #drawn(count) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = SIZE;
    const pen = canvas.getContext("2d");
    if (!pen) return "";
    const image = this.#original ? await loaded(this.#original) : null;
    if (image) pen.drawImage(image, 0, 0, SIZE, SIZE);
    pen.fillStyle = "#c8261b";
    pen.arc(42, 22, 22, 0, 2 * Math.PI);
    pen.fill();
    pen.fillStyle = "#fff";
    pen.textAlign = "center";
    pen.font = `bold ${count > 9 ? 26 : 34}px sans-serif`;
    pen.fillText(capped(count), 42, count > 9 ? 31 : 34);
    return canvas.toDataURL();
  }
}

function emptyIcon() {
  const link = document.createElement("link");
  link.rel = "icon";
  return link;
}

/** An icon that may be drawn; null if it can't be had. @param {string} address */
async function loaded(address) {
  const image = new Image();
  image.crossOrigin = "anonymous";
  image.src = address;
  return image.decode().then(() => image, () => null);
}
