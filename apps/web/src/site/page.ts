import type { ReactNode } from 'react';

/** One page of the site, before it is put in the document. */
export interface Page {
  /** Address from the root of the host, without a trailing slash: `/providers/okta`; `/` is the landing page. */
  readonly path: string;
  /** Where it is written, from the site's folder; `<path>/index.html` if not given. */
  readonly file?: string;
  /** Title of the tab; the site's name is added. */
  readonly title: string;
  /** For search engines and link previews: a sentence or two. */
  readonly description: string;
  readonly content: ReactNode;
}
