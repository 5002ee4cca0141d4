/** A piece of the document's description. Texts may hold code between backticks. */
export type Block =
  | { kind: 'paragraph'; text: string }
  | { kind: 'list'; items: string[] }
  | { kind: 'code'; text: string };

export interface Guide {
  /** What stands before the first heading. */
  lead: Block[];
  sections: { id: string; name: string; blocks: Block[] }[];
}

const FENCE = /^```.*\n([\s\S]*?)\n```$/m;

/** The little of CommonMark that introductions are written in: `##` headings, lists of `-`, fenced code, paragraphs. */
export function readGuide(text = ''): Guide {
  const guide: Guide = { lead: [], sections: [] };
  let blocks = guide.lead;
  for (const [index, part] of text.split(FENCE).entries()) {
    if (index % 2 === 1) {
      blocks.push({ kind: 'code', text: part });
      continue;
    }
    for (const piece of splitPieces(part)) {
      const name = /^## +(.+)$/.exec(piece)?.[1];
      if (name === undefined) {
        blocks.push(toBlock(piece));
        continue;
      }
      blocks = [];
      guide.sections.push({ id: `guide-${slug(name)}`, name, blocks });
    }
  }
  return guide;
}

/** What blank lines part. */
export function splitPieces(text = ''): string[] {
  return text.split(/\n\s*\n/).flatMap((piece) => piece.trim() || []);
}

export function slug(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9]+/g, '-').replaceAll(/^-|-$/g, '');
}

function toBlock(piece: string): Block {
  if (!piece.startsWith('- ')) return { kind: 'paragraph', text: piece };
  return { kind: 'list', items: piece.slice(2).split(/\n- /) };
}
