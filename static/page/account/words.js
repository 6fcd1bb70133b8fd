/** Every word of the account's dialog, in English. Another language has the same names beside this file. */

export default {
  account: "Account",
  close: "Close",

  devices: "Your devices",
  thisDevice: "This device",
  unknownDevice: "Unknown device",
  /** @param {string} address */
  from: (address) => `from ${address}`,
  lastUsed: "last used",
  end: "Sign out",
  /** @param {string} device @param {string} address */
  endNamed: (device, address) => `Sign out ${device}, ${address}`,
  ended: "That device is signed out.",
  everywhere: "Sign out on all devices",
  everywhereHint: "Here too, and all tokens of your account end, those of programs as well.",
  devicesMissing: "The list couldn't be loaded.",
  notEnded: "The server can't be reached, so nothing was signed out. Please try again.",
  tryAgain: "Try again",

  changePassword: "Change password",
  oldPassword: "Present password",
  newPassword: "New password",
  change: "Change",
  changing: "Changing…",
  changed: "Your password is changed. You stay signed in here; all other devices are signed out.",
  wrongPassword: "This is not your present password.",
  passwordLength: "A password has 8 to 1024 characters.",
  fieldRequired: "Please fill this in.",
  /** @param {number} seconds */
  tooMany: (seconds) => `Too many attempts. Please try again in ${seconds} s.`,
  notKnown: "The server is busy or away, so it isn't known whether the password was changed.",
};
