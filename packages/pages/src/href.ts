// Links come from client metadata: `javascript:` and `data:` URLs would run in our origin.
const ALLOWED = new Set(['http:', 'https:', 'mailto:']);

/** The URL when a browser may follow it from our pages, else `#`. Relative URLs pass. */
export function safeHref(url: string): string {
  const parsed = URL.parse(url, 'https://relative.invalid');
  return parsed && ALLOWED.has(parsed.protocol) ? url : '#';
}
