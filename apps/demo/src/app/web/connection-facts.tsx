import type { ReactNode } from 'react';
import type { ConnectionView } from '../integration-view.js';

const REASONS: Partial<Record<NonNullable<ConnectionView['reason']>, string>> = {
  revoked: 'Access was revoked at Okta.',
  refresh_token_expired: 'The sign-in at Okta reached its end.',
  user_deactivated: 'The person who connected was deactivated at Okta.',
  provider_down: 'Okta does not answer at the moment.',
  rate_limited: 'Okta asks us to slow down.',
};

/** Whose access it is, what it covers, and until when. */
export function ConnectionFacts({ connection }: { connection: ConnectionView }) {
  const { account, scopes, missingScopes, status, reason } = connection;
  return (
    <>
      {status === 'needs_reconnect' || status === 'degraded' ? (
        <p className={status === 'degraded' ? 'notice warn' : 'notice'} role="status">
          {(reason && REASONS[reason]) ?? 'The connection does not work as it should.'}{' '}
          {status === 'needs_reconnect' ? 'Connect again to go on: nothing else changes.' : null}
        </p>
      ) : null}
      <dl className="facts">
        <Fact name="Connected as">
          {account?.name ?? account?.id ?? 'Unknown'}
          {account?.email ? <span className="quiet"> {account.email}</span> : null}
        </Fact>
        <Fact name="Last seen working">
          {connection.verifiedAt ? moment(connection.verifiedAt) : 'not yet'}
        </Fact>
        {/* A day to come means nothing to a connection that has ended before it. */}
        {connection.reconnectBy && status !== 'needs_reconnect' ? (
          <Fact name="Reconnect by">{day(connection.reconnectBy)}</Fact>
        ) : null}
        <Fact name="Scopes">
          <ul className="scopes">
            {scopes.map((scope) => (
              <li key={scope}>{scope}</li>
            ))}
            {missingScopes.map((scope) => (
              <li key={scope} className="missing">
                {scope} (not granted)
              </li>
            ))}
          </ul>
        </Fact>
      </dl>
    </>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const moment = (time: string): string =>
  new Date(time).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

const day = (time: string): string => new Date(time).toLocaleDateString(undefined, { dateStyle: 'long' });
