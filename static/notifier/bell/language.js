import english from "./words.js";

/** @typedef {import("./words.js").Words} Words */

const LONGEST_NAME = 200;

/** The language a bell speaks: its words, and the locale for times. */
export class Language {
  /** @param {string} locale a BCP 47 tag @param {typeof english & Partial<Words>} words */
  constructor(locale, words) {
    this.locale = locale;
    this.words = words;
  }

  /**
   * @param {string} wanted a BCP 47 tag, or something that is none: then English it is
   * @param {Partial<Words>} [own] what the page says instead
   */
  static async speaking(wanted, own = {}) {
    const locale = known(wanted) ? wanted : "en";
    const built = /^ru\b/i.test(locale) ? (await import("./words.ru.js")).default : english;
    return new Language(locale, { ...built, ...own });
  }

  /** `"rtl"` or `"ltr"`, where the browser knows; else what the page says. */
  get direction() {
    const locale = /** @type {any} */ (new Intl.Locale(this.locale));
    return (locale.getTextInfo?.() ?? locale.textInfo)?.direction;
  }

  /** What a notification is called, in one line. @param {import("../../notifier-inbox.d.ts").Item} item */
  headline({ message }) {
    const said = message?.title || message?.body.trimStart().split("\n", 1)[0] || this.words.untitled;
    return said.slice(0, LONGEST_NAME);
  }
}

/** @param {string} tag */
function known(tag) {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(tag).length > 0;
  } catch {
    return false;
  }
}
