import { Times } from "./time.js";
import english from "./words.js";

/** @typedef {typeof english} Words */

/** The language a bell speaks: its words, and how it writes times. */
export class Language {
  /** @param {string} locale a BCP 47 tag @param {Words} words */
  constructor(locale, words) {
    this.locale = locale;
    this.words = words;
    this.times = new Times(locale, words.justNow);
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
    return (locale.getTextInfo?.() ?? locale.textInfo)?.direction ?? "";
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
