import { ConnectButton } from '@authpipe/react';
import { useState } from 'react';
import type { ConnectionView } from '../integration-view.js';
import { ConnectionFacts } from './connection-facts.js';
import { checkNow, disconnect, type RequestError } from './requests.js';
import { StatusChip } from './status-chip.js';

interface OktaCardProps {
  readonly connection: ConnectionView | null;
  readonly reload: () => Promise<void>;
}

/** The card of the one integration: what it is, how it stands, and the button. */
export function OktaCard({ connection, reload }: OktaCardProps) {
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const run = async (action: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      await action();
      await reload();
    } catch (failure) {
      setProblem((failure as RequestError).message);
    } finally {
      setBusy(false);
    }
  };

  return (
    <section className="panel" aria-labelledby="okta-title">
      <div className="card-head">
        <OktaMark />
        <div className="card-title">
          <h2 id="okta-title">
            Okta <StatusChip connection={connection} />
          </h2>
          <p>
            Fill the directory with the people of your Okta org, and keep it up to date when they join, move
            or leave.
          </p>
        </div>
      </div>

      {connection ? <ConnectionFacts connection={connection} /> : null}
      {problem ? (
        <p className="notice" role="alert">
          {problem}
        </p>
      ) : null}

      <div className="card-actions">
        <ConnectButton
          provider="okta"
          connection={connection}
          onSuccess={() => void reload()}
          onError={() => void reload()}
        />
        {connection ? (
          <>
            <button type="button" className="button" disabled={busy} onClick={() => void run(checkNow)}>
              Check now
            </button>
            <button
              type="button"
              className="button danger"
              disabled={busy}
              onClick={() => void run(disconnect)}
            >
              Disconnect
            </button>
          </>
        ) : null}
      </div>
    </section>
  );
}

/** A ring, as a quiet stand-in for the provider's logo. */
function OktaMark() {
  return (
    <span className="mark">
      <svg aria-hidden="true" viewBox="0 0 32 32" width="26" height="26">
        <circle cx="16" cy="16" r="10" fill="none" stroke="currentColor" strokeWidth="6.5" />
      </svg>
    </span>
  );
}
