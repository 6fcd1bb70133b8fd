const LENGTH = 0.35;
const HELD = 2_000;

/** @type {AudioContext | undefined} */
let context;

/**
 * Two tones, higher ones if it is urgent; of several tabs only one sounds. Silent where a browser
 * allows no sound before the person has done something with the page.
 * @param {import("../../notifier-inbox.d.ts").Item} item
 */
export async function sound({ key, priority }) {
  const { locks } = navigator;
  if (!locks) return play(priority);
  await locks.request(`notifier-bell sound ${key}`, { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    play(priority);
    await new Promise((resolve) => setTimeout(resolve, HELD));
  });
}

/** @param {string} priority */
function play(priority) {
  if (navigator.userActivation && !navigator.userActivation.hasBeenActive) return;
  context ??= new AudioContext();
  const start = context.currentTime;
  const tones = priority === "urgent" ? [880, 1_174, 880] : [587, 880];
  tones.forEach((pitch, index) => tone(/** @type {AudioContext} */ (context), pitch, start + index * 0.12));
}

/** @param {AudioContext} audio @param {number} pitch in Hz @param {number} start in seconds */
function tone(audio, pitch, start) {
  const oscillator = new OscillatorNode(audio, { frequency: pitch });
  const volume = new GainNode(audio, { gain: 0 });
  volume.gain.linearRampToValueAtTime(0.1, start + 0.02);
  volume.gain.linearRampToValueAtTime(0, start + LENGTH);
  oscillator.connect(volume).connect(audio.destination);
  oscillator.start(start);
  oscillator.stop(start + LENGTH);
}
