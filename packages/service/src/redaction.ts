/**
 * From the id of an API key on: wider than a whole key, since one that was cut short may still hold its whole secret.
 * The prefix that people tell a key by is shorter, and stays.
 */
const API_KEY = /sk_(live|test)_[0-9A-Za-z]{20}_[0-9A-Za-z]*/g;

/** How often a path may have been percent-encoded on its way here; each proxy can add a layer. */
const MAX_LAYERS = 3;

/** The text with `sk_live_[redacted]` in place of every API key. */
export function redactApiKeys(text: string): string {
  // Nearly every text holds none, and this look costs a fraction of the expression's.
  return text.includes('sk_') ? text.replace(API_KEY, 'sk_$1_[redacted]') : text;
}

/** The same for a path, which may spell a key with percent-encoded characters: then the decoded path is shown. */
export function redactPath(path: string): string {
  let plain = path;
  for (let layer = 0; layer < MAX_LAYERS && plain.includes('%'); layer++) plain = decode(plain);
  const shown = redactApiKeys(plain);
  return shown === plain ? path : shown;
}

/** One escape at a time, so that a malformed one does not hide the others. ASCII is all that a key is made of. */
function decode(text: string): string {
  return text.replace(/%([0-7][0-9A-Fa-f])/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
