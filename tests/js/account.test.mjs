/** The account's dialog, as far as it needs no browser. */
import assert from "node:assert/strict";
import test from "node:test";

import { device } from "../../static/page/shared/device.js";
import english from "../../static/page/account/words.js";
import russian from "../../static/page/account/words.ru.js";

test("both languages have the same words, of the same kind", () => {
  const shape = (words) => Object.entries(words).map(([name, word]) => `${name} ${typeof word}`);
  assert.deepEqual(shape(russian).toSorted(), shape(english).toSorted());
});

test("a device is called by its browser and its system", () => {
  const devices = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0": "Firefox, Linux",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0":
      "Edge, Windows",
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36":
      "Chrome, Android",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1":
      "Safari, iOS",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15":
      "Safari, macOS",
    "curl/8.5.0": "curl/8.5.0",
    "": "",
  };
  for (const [agent, name] of Object.entries(devices)) assert.equal(device(agent), name, agent);
});
