/** HTML that is safe to put into a page as it is. */
export class Html {
  constructor(readonly source: string) {}

  toString(): string {
    return this.source;
  }
}

type Piece = Html | string | number | false | null | undefined | readonly Piece[];

/** A template whose values are escaped, unless they are {@link Html} themselves. Lists are joined, absent values left out. */
export function html(strings: TemplateStringsArray, ...values: Piece[]): Html {
  return new Html(String.raw({ raw: strings.raw }, ...values.map(render)));
}

function render(value: Piece): string {
  if (value === undefined || value === null || value === false) return '';
  if (value instanceof Html) return value.source;
  if (typeof value === 'object') return value.map(render).join('');
  return escapeText(String(value));
}

function escapeText(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
