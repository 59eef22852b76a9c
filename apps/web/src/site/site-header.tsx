import type { ReactNode } from 'react';
import { Wordmark } from './wordmark.js';

const LINKS = [
  { href: '/providers', text: 'Providers' },
  { href: '/docs', text: 'Docs' },
] as const;

/** The bar on top: the way home and the two sections. `path` marks the section that the reader is in. */
export function SiteHeader({ path }: { readonly path: string }): ReactNode {
  return (
    <header className="site-header">
      <div className="wrap site-header-row">
        <a className="site-home" href="/" aria-label="Authpipe, home">
          <Wordmark />
        </a>
        <nav aria-label="Main">
          <ul className="site-nav">
            {LINKS.map(({ href, text }) => (
              <li key={href}>
                <a href={href} aria-current={currentState(href, path)}>
                  {text}
                </a>
              </li>
            ))}
          </ul>
        </nav>
      </div>
    </header>
  );
}

function currentState(href: string, path: string): 'page' | 'true' | undefined {
  if (path === href) return 'page';
  return path.startsWith(`${href}/`) ? 'true' : undefined;
}
