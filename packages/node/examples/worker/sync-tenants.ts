import { type Authpipe, AuthpipeError, type Connection } from '@authpipe/node';

/** What came of one run. */
export interface SyncReport {
  /** Connections whose people were stored. */
  readonly synced: string[];
  /** Connections that a person has to mend. */
  readonly needReconnect: string[];
  /** Connections to try again later, with why. */
  readonly failed: { readonly connectionId: string; readonly why: string }[];
}

type StorePeople = (connection: Connection, people: readonly unknown[]) => Promise<void>;

/** Copies the directory of every tenant's connections, one tenant after the other. */
export const syncTenants = async (
  authpipe: Authpipe,
  tenantIds: readonly string[],
  store: StorePeople,
): Promise<SyncReport> => {
  const report: SyncReport = { synced: [], needReconnect: [], failed: [] };
  for (const tenantId of tenantIds) {
    // All credentials of the tenant in a request or two, instead of one each.
    await authpipe.preload({ tenantId, provider: 'okta' });
    for await (const connection of authpipe.listConnections({ tenantId, provider: 'okta' })) {
      await syncOne(authpipe, connection, store, report);
    }
  }
  return report;
};

/** One connection's trouble is not the others'. */
const syncOne = async (
  authpipe: Authpipe,
  connection: Connection,
  store: StorePeople,
  report: SyncReport,
): Promise<void> => {
  const connectionId = connection.id;
  try {
    const answer = await authpipe.fetch({ connectionId }, '/api/v1/users?limit=200');
    if (!answer.ok) throw new Error(`The directory answered ${answer.status}.`);
    await store(connection, (await answer.json()) as unknown[]);
    report.synced.push(connectionId);
  } catch (error) {
    if (error instanceof AuthpipeError && error.code === 'needs_reconnect') {
      report.needReconnect.push(connectionId);
    } else {
      report.failed.push({ connectionId, why: error instanceof Error ? error.message : String(error) });
    }
  }
};
