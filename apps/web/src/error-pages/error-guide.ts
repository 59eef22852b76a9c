import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { lexer, type Token, type Tokens } from 'marked';

/** One file of `docs/errors`: what a code means and what to do about it. */
export interface ErrorGuide {
  /** As in a problem's `code`; also the file's name. */
  readonly code: string;
  /** Its first paragraph, which says what happened, without marks of Markdown. */
  readonly summary: string;
  /** What follows the first paragraph. */
  readonly body: readonly Token[];
}

/**
 * Reads the guides of `docsFolder`/errors, in the order of their codes. Throws with the file's name where one does not
 * begin with its code as the title and a paragraph.
 */
export function readErrorGuides(docsFolder: string): ErrorGuide[] {
  const folder = join(docsFolder, 'errors');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => errorGuideOf(name.slice(0, -'.md'.length), readFileSync(join(folder, name), 'utf8')));
}

/** The guide to a code from its Markdown. Throws like `readErrorGuides`. */
export function errorGuideOf(code: string, markdown: string): ErrorGuide {
  const [title, summary, ...body] = lexer(markdown).filter(({ type }) => type !== 'space');
  if (!isOf('heading', title) || title.depth !== 1 || title.text !== `\`${code}\``)
    throw new Error(`docs/errors/${code}.md must begin with "# \`${code}\`".`);
  if (!isOf('paragraph', summary))
    throw new Error(`docs/errors/${code}.md must say what happened in a paragraph below its title.`);
  return { code, summary: summary.text.replaceAll('`', ''), body };
}

function isOf<Type extends 'heading' | 'paragraph'>(
  type: Type,
  token: Token | undefined,
): token is Type extends 'heading' ? Tokens.Heading : Tokens.Paragraph {
  return token?.type === type;
}
