import { ActivityPanel } from './activity-panel.js';
import { BrowserPanel } from './browser-panel.js';
import { OktaCard } from './okta-card.js';
import { PeoplePanel } from './people-panel.js';
import { TopBar } from './top-bar.js';
import { useIntegration } from './use-integration.js';

/** The page “Integrations” of Crewdesk. */
export function IntegrationsPage() {
  const { view, error, reload } = useIntegration();
  return (
    <>
      <TopBar view={view} />
      <main className="page">
        <header className="page-head">
          <h1>Integrations</h1>
          <p>
            Connect the tools {view?.organisation ?? 'your company'} already uses. Crewdesk keeps its staff
            directory in step with them.
          </p>
        </header>
        {error ? (
          <p className="notice" role="alert">
            {error.message}
          </p>
        ) : null}
        {view ? (
          <div className="columns">
            <div className="column">
              <OktaCard connection={view.connection} reload={reload} />
              <PeoplePanel connection={view.connection} />
            </div>
            <aside className="column" aria-label="Behind the scenes">
              <BrowserPanel connection={view.connection} />
              <ActivityPanel entries={view.activity} />
            </aside>
          </div>
        ) : (
          <p className="quiet" aria-busy={!error}>
            {error ? null : 'Loading…'}
          </p>
        )}
      </main>
    </>
  );
}
