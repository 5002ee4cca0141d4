/**
 * From the id of an API key on: wider than a whole key, since one that was cut short may still hold its whole secret.
 * The prefix that people tell a key by is shorter, and stays.
 */
const API_KEY = /sk_(live|test)_[0-9A-Za-z]{20}_[0-9A-Za-z]*/g;

/** A signed token (RFC 7519 §3): two parts that are JSON objects in base64url, and a signature. */
const JWT = /eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*/g;

/**
 * What a path holds of codes, opaque and refresh tokens, and client secrets, which are 43 random characters and have no
 * other form. Names and ids are shorter.
 */
const RANDOM_SEGMENT = /(?<=\/)[\w-]{40,}(?=\/|$)/g;

/** How often a path may have been percent-encoded on its way here; each proxy can add a layer. */
const MAX_LAYERS = 3;

/** The text with `sk_live_[redacted]` in place of every API key, and `[redacted]` in that of every JWT. */
export function redactBearers(text: string): string {
  // Nearly every text holds none, and these looks cost a fraction of the expressions'.
  const withoutKeys = text.includes('sk_') ? text.replace(API_KEY, 'sk_$1_[redacted]') : text;
  return withoutKeys.includes('eyJ') ? withoutKeys.replace(JWT, '[redacted]') : withoutKeys;
}

/**
 * The same for a path, whose long random segments are redacted too. It may spell one with percent-encoded characters:
 * then the decoded path is shown.
 */
export function redactPath(path: string): string {
  let plain = path;
  for (let layer = 0; layer < MAX_LAYERS && plain.includes('%'); layer++) plain = decode(plain);
  const shown = redactBearers(plain).replace(RANDOM_SEGMENT, '[redacted]');
  return shown === plain ? path : shown;
}

/** One escape at a time, so that a malformed one does not hide the others. ASCII is all that keys and tokens are made of. */
function decode(text: string): string {
  return text.replace(/%([0-7][0-9A-Fa-f])/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
