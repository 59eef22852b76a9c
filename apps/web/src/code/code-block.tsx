import { createElement, type ReactNode } from 'react';
import { scrollable } from '../site/scrollable.js';
import { type SnippetLanguage, type Token, tokenize } from './tokenize.js';

interface CodeBlockProps {
  /** File or package that the code belongs to, shown above it. */
  readonly label: string;
  readonly code: string;
  readonly language: SnippetLanguage;
}

/**
 * A snippet with its colours as classes and a copy button. The button comes after the code, so that the text reads on
 * without it, and stays hidden until `copy-buttons.ts` has given it something to do.
 */
export function CodeBlock({ label, code, language }: CodeBlockProps): ReactNode {
  return (
    <figure className="code">
      <figcaption className="code-label">{label}</figcaption>
      <pre className="code-body" {...scrollable(`${label} code`)}>
        {createElement('code', null, ...tokenize(code, language).map(piece))}
      </pre>
      <button className="copy" type="button" data-copy="" hidden aria-label={`Copy the ${label} code`}>
        <svg className="copy-icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
          <rect x="5.5" y="5.5" width="8" height="8" rx="1.75" />
          <path d="M10.5 3.5v-.25c0-.7-.55-1.25-1.25-1.25h-5.5C2.8 2 2 2.8 2 3.75v5.5c0 .7.55 1.25 1.25 1.25h.25" />
        </svg>
        <span data-copy-text="">Copy</span>
      </button>
    </figure>
  );
}

function piece({ kind, text }: Token): ReactNode {
  return kind === 'plain' ? text : <span className={`token-${kind}`}>{text}</span>;
}
