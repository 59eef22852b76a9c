import type { MarkedToken, Token, Tokens } from 'marked';
import { createElement, Fragment, type ReactNode } from 'react';
import { CodeBlock } from '../code/code-block.js';
import { scrollable } from '../site/scrollable.js';

/**
 * Markdown as elements of the site. HTML in it is shown as the text that it is, so nothing inline gets into a page.
 * Throws on what the pages have no look for: an image, a quotation, a link that is not `https:`.
 */
export function Markdown({ tokens }: { readonly tokens: readonly Token[] }): ReactNode {
  return createElement(Fragment, null, ...tokens.map(element));
}

function element(token: Token): ReactNode {
  // No extension is registered, so there are no tokens but the library's own.
  const own = token as MarkedToken;
  switch (own.type) {
    case 'space':
      return null;
    case 'heading':
      return <Heading heading={own} />;
    case 'paragraph':
      return (
        <p>
          <Markdown tokens={own.tokens} />
        </p>
      );
    case 'list':
      return <List list={own} />;
    case 'table':
      return <Table table={own} />;
    case 'code':
      return <CodeBlock label={own.lang === 'http' ? 'answer' : 'example'} code={own.text} language="http" />;
    case 'codespan':
      return <code>{own.text}</code>;
    case 'strong':
      return (
        <strong>
          <Markdown tokens={own.tokens} />
        </strong>
      );
    case 'em':
      return (
        <em>
          <Markdown tokens={own.tokens} />
        </em>
      );
    case 'link':
      return (
        <a href={webAddress(own.href)}>
          <Markdown tokens={own.tokens} />
        </a>
      );
    case 'text':
      return 'tokens' in own && own.tokens ? <Markdown tokens={own.tokens} /> : own.text;
    case 'escape':
    case 'html':
      return own.text;
    default:
      throw new Error(`The site has no look for Markdown's "${own.type}": ${own.raw}`);
  }
}

function Heading({ heading }: { readonly heading: Tokens.Heading }): ReactNode {
  const content = <Markdown tokens={heading.tokens} />;
  return heading.depth === 2 ? <h2>{content}</h2> : <h3>{content}</h3>;
}

function List({ list }: { readonly list: Tokens.List }): ReactNode {
  return createElement(list.ordered ? 'ol' : 'ul', null, ...list.items.map(listItem));
}

function listItem({ tokens }: Tokens.ListItem): ReactNode {
  return (
    <li>
      <Markdown tokens={tokens} />
    </li>
  );
}

/** May be wider than a phone: it scrolls by itself. Its columns name it. */
function Table({ table }: { readonly table: Tokens.Table }): ReactNode {
  const name = `Table: ${table.header.map(({ text }) => text).join(', ')}`;
  return (
    <div className="table" {...scrollable(name)}>
      <table>
        <thead>{tableRow(table.header)}</thead>
        {createElement('tbody', null, ...table.rows.map(tableRow))}
      </table>
    </div>
  );
}

function tableRow(cells: readonly Tokens.TableCell[]): ReactNode {
  return createElement('tr', null, ...cells.map(tableCell));
}

function tableCell({ header, tokens }: Tokens.TableCell): ReactNode {
  const content = <Markdown tokens={tokens} />;
  return header ? <th scope="col">{content}</th> : <td>{content}</td>;
}

function webAddress(href: string): string {
  if (!href.startsWith('https://')) throw new Error(`A page can't link to ${href}: give an https address.`);
  return href;
}
