/** Languages of the site's snippets. */
export type SnippetLanguage = 'tsx' | 'shell' | 'http';

/** What a piece of code is, as far as its colour goes; also its CSS class, `token-<kind>`. */
export type TokenKind =
  | 'comment'
  | 'string'
  | 'keyword'
  | 'tag'
  | 'attribute'
  | 'property'
  | 'call'
  | 'plain';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

type Rules = readonly (readonly [TokenKind, RegExp])[];

// The first rule that matches at a position wins; the last of each list takes what is left, so none is lost.
const RULES: Readonly<Record<SnippetLanguage, Rules>> = {
  tsx: [
    ['comment', /\/\/[^\n]*/y],
    ['string', /'[^'\n]*'|"[^"\n]*"|`[^`]*`/y],
    ['plain', /=>/y],
    ['tag', /<\/?[A-Z][\w.]*|\/?>/y],
    ['keyword', /(?:async|await|const|export|from|function|import|new|return)\b/y],
    ['property', /[A-Za-z_$][\w$]*(?=\??:\s)/y],
    ['attribute', /[a-z][\w-]*(?==["{])/y],
    ['call', /[A-Za-z_$][\w$]*(?=\()/y],
    ['plain', /[\w$]+|\s+|[^\w$\s]/y],
  ],
  // A message's head, its JSON body, or that alone.
  http: [
    ['property', /"[^"\n]*"(?=:)/y],
    ['string', /"[^"\n]*"/y],
    ['keyword', /(?:true|false|null)\b/y],
    ['attribute', /[A-Z][\w-]*(?=: )/y],
    ['plain', /[\w]+|\s+|[^\w\s]/y],
  ],
  shell: [
    ['comment', /#[^\n]*/y],
    ['string', /'[^']*'|"[^"]*"/y],
    ['keyword', /\$\w+|[A-Z_]{3,}(?==)/y],
    ['attribute', /(?<=\s)--?[A-Za-z][\w-]*/y],
    ['plain', /[\w]+|\s+|[^\w\s]/y],
  ],
};

const SUBSTITUTION = /(\$\{[^}]*\})/;

/** Cuts code into coloured pieces. Joined, the pieces are the code again, to the character. */
export function tokenize(code: string, language: SnippetLanguage): Token[] {
  const tokens: Token[] = [];
  const push = (kind: TokenKind, text: string): void => {
    const last = tokens.at(-1);
    if (last?.kind === kind) tokens[tokens.length - 1] = { kind, text: last.text + text };
    else if (text !== '') tokens.push({ kind, text });
  };

  for (let position = 0; position < code.length; ) {
    const { kind, text } = matchAt(code, position, RULES[language]);
    if (kind === 'string' && text.startsWith('`')) {
      for (const part of text.split(SUBSTITUTION)) push(part.startsWith('${') ? 'plain' : 'string', part);
    } else {
      push(kind, text);
    }
    position += text.length;
  }
  return tokens;
}

function matchAt(code: string, position: number, rules: Rules): Token {
  for (const [kind, pattern] of rules) {
    pattern.lastIndex = position;
    const text = pattern.exec(code)?.[0];
    if (text !== undefined) return { kind, text };
  }
  return { kind: 'plain', text: code.charAt(position) };
}
