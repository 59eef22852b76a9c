import type { ConnectionView } from '../integration-view.js';

/** Shows, rather than promises, that the browser holds no token: everything it was given, and everything it stores. */
export function BrowserPanel({ connection }: { connection: ConnectionView | null }) {
  return (
    <section className="panel" aria-labelledby="browser-title">
      <h2 id="browser-title">What the browser sees</h2>
      <p className="quiet">
        The credential stays in Authpipe’s vault and is used by Crewdesk’s server. This page has all of the
        following, and no token.
      </p>
      <dl className="facts tight">
        <div>
          <dt>Readable cookies</dt>
          <dd>{document.cookie || 'none'}</dd>
        </div>
        <div>
          <dt>Local storage</dt>
          <dd>{storedKeys(localStorage)}</dd>
        </div>
        <div>
          <dt>Session storage</dt>
          <dd>{storedKeys(sessionStorage)}</dd>
        </div>
      </dl>
      <pre className="code">{JSON.stringify({ connection }, null, 2)}</pre>
    </section>
  );
}

const storedKeys = (storage: Storage): string => Object.keys(storage).join(', ') || 'empty';
