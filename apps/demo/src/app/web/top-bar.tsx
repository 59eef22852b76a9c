import type { IntegrationView } from '../integration-view.js';

const PAGES = [
  { path: '/', name: 'Integrations' },
  { path: '/settings', name: 'Settings' },
];

export function TopBar({ view }: { view: IntegrationView | null }) {
  return (
    <header className="top-bar">
      <div className="top-bar-inner">
        <span className="brand">
          <img src={new URL('./favicon.svg', import.meta.url).href} alt="" width="28" height="28" />
          Crewdesk
        </span>
        <nav className="pages" aria-label="Pages">
          {PAGES.map(({ path, name }) => (
            <a key={path} href={path} aria-current={path === location.pathname ? 'page' : undefined}>
              {name}
            </a>
          ))}
        </nav>
        {view ? (
          <span className="who">
            <span className="who-text">
              <strong>{view.user.name}</strong>
              <span>
                {view.user.role}, {view.organisation}
              </span>
            </span>
            <span className="avatar" aria-hidden="true">
              {initials(view.user.name)}
            </span>
          </span>
        ) : null}
      </div>
    </header>
  );
}

export const initials = (name: string): string =>
  name
    .split(' ')
    .map((word) => word.charAt(0))
    .slice(0, 2)
    .join('');
