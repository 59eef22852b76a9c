import type { Connection } from '@authpipe/types';
import type { ActivityEntry } from './integration-view.js';

/** Enough to fill the panel. */
const MAX_ENTRIES = 30;

const REASONS: Partial<Record<NonNullable<Connection['reason']>, string>> = {
  revoked: 'access was revoked at Okta',
  refresh_token_expired: 'the sign-in reached its end at Okta',
  user_deactivated: 'the Okta user was deactivated',
};

/** What happened to one person's connection, newest first. In memory: a real app would use its own audit log. */
export class ActivityLog {
  #entries: ActivityEntry[] = [];
  #nextId = 1;
  #seen: Connection | null = null;
  readonly #now: () => Date;

  constructor(now: () => Date) {
    this.#now = now;
  }

  get entries(): readonly ActivityEntry[] {
    return this.#entries;
  }

  add(text: string): void {
    this.#entries = [{ id: this.#nextId++, at: this.#now().toISOString(), text }, ...this.#entries].slice(
      0,
      MAX_ENTRIES,
    );
  }

  /** Compares the connection with what was seen of it last, and writes down what changed. */
  observe(connection: Connection | null): void {
    const before = this.#seen;
    this.#seen = connection;
    if (!connection) {
      if (before) this.add('Okta was disconnected');
      return;
    }
    if (before?.id !== connection.id) {
      this.add(`Okta was connected as ${connection.account?.email ?? connection.account?.name ?? 'unknown'}`);
      return;
    }
    if (before.status !== connection.status) this.add(describeStatus(connection));
    else if (before.version !== connection.version) {
      this.add(`Authpipe refreshed the credential (version ${connection.version})`);
    }
  }
}

function describeStatus({ status, reason }: Connection): string {
  if (status === 'healthy') return 'The connection is healthy';
  if (status === 'unverified') return 'The connection waits for its first check';
  const why = reason ? (REASONS[reason] ?? reason.replaceAll('_', ' ')) : 'no reason given';
  return status === 'needs_reconnect' ? `Needs reconnect: ${why}` : `A check failed: ${why}`;
}
