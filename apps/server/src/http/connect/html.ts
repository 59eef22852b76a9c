/** Markup that is safe to send: only `html` makes it, and escapes every value on the way. */
export class Html {
  readonly #markup: string;
  constructor(markup: string) {
    this.#markup = markup;
  }
  toString(): string {
    return this.#markup;
  }
}

type HtmlValue = Html | string | number | null | readonly (Html | null)[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');

const rendered = (value: HtmlValue): string => {
  if (value === null) return '';
  if (value instanceof Html) return value.toString();
  if (typeof value === 'object') return value.map((item) => item?.toString() ?? '').join('');
  return escaped(String(value));
};

/** A template of HTML. Values are escaped for text and for quoted attributes; `Html` and lists of it go in as they are. */
export const html = (strings: TemplateStringsArray, ...values: HtmlValue[]): Html =>
  new Html(String.raw({ raw: strings }, ...values.map(rendered)));
