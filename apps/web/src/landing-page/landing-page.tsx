import { FlowPicture } from '../provider-page/flow-picture.js';
import { HandledIcon } from '../provider-page/handled-icon.js';
import type { Page } from '../site/page.js';
import { LANDING_FLOW, PROMISES } from './landing-words.js';

/** The front door, `/`: what Authpipe is, and the ways on. */
export function landingPage(): Page {
  return {
    path: '/',
    title: 'Authpipe',
    description:
      'Self-hosted OAuth orchestration, encrypted vault, silent refresh and health monitoring for products that call their customers’ systems.',
    content: (
      <div className="wrap landing">
        <header className="hero landing-hero">
          <h1>Your customers’ access, kept safe and kept alive.</h1>
          <p className="lead">
            Authpipe connects your product to the systems your customers already run. It signs people in,
            keeps the tokens, renews them, and tells you when a grant dies. On your own servers.
          </p>
          <p className="actions">
            <a className="button button-primary" href="/providers">
              Browse providers
            </a>{' '}
            <a className="button" href="/docs">
              Read the quickstart
            </a>
          </p>
        </header>
        <figure className="flow">
          <FlowPicture providerId="provider" providerName="Their system" words={LANDING_FLOW} />
        </figure>
        <section aria-labelledby="promises">
          <h2 id="promises">Four jobs you no longer write yourself</h2>
          <ul className="handled">
            {PROMISES.map(({ title, text, icon }) => (
              <li key={title} className="handled-card">
                <HandledIcon icon={icon} />
                <h3>{title}</h3>
                <p>{text}</p>
              </li>
            ))}
          </ul>
        </section>
      </div>
    ),
  };
}
