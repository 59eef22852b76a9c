import { join } from 'node:path';
import { renderDocument } from '../src/site/document.js';
import type { Page } from '../src/site/page.js';
import { sitePages } from '../src/site-pages.js';

/** The repository's own. */
const DOCS = join(import.meta.dirname, '../../../docs');

const ASSETS = {
  script: '/assets/site-x.js',
  stylesheet: '/assets/site-x.css',
  icon: '/assets/icon-x.svg',
};

/** Every page of the site as the document that would be written for it, by path. */
export function renderedSite(): ReadonlyMap<string, Document> {
  return new Map(sitePages(DOCS).map((page) => [page.path, parsed(page)]));
}

/** One page of the site; throws where there is none at the path. */
export function renderedPage(path: string): Document {
  const page = sitePages(DOCS).find((candidate) => candidate.path === path);
  if (!page) throw new Error(`There is no page at ${path}.`);
  return parsed(page);
}

/** The words of the page's main part, with any run of white space as one space. */
export function wordsOf(document: Document): string {
  return textOf(document.querySelector('main')).replaceAll(/\s+/g, ' ').trim();
}

function parsed(page: Page): Document {
  return new DOMParser().parseFromString(renderDocument(page, ASSETS), 'text/html');
}

/** As a reader meets it: elements stand apart, pieces of one line of code do not, what is hidden is not there. */
function textOf(node: Node | null): string {
  if (!node) return '';
  if (node.nodeType === node.TEXT_NODE) return node.textContent ?? '';
  if (node instanceof Element && (node.hasAttribute('hidden') || node.tagName === 'CODE')) {
    return node.tagName === 'CODE' ? ` ${node.textContent} ` : '';
  }
  return ` ${[...node.childNodes].map(textOf).join('')} `;
}
