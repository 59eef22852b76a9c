import { addSeconds, type Clock } from '../../src/clock.js';
import { createNodes } from '../../src/db/nodes.js';
import type { IntegrationRecord } from '../../src/integrations/integration-record.js';
import { createHeartbeat } from '../../src/jobs/heartbeat.js';
import { createLogger } from '../../src/log/logger.js';
import { systemRandomness } from '../../src/randomness.js';
import { createRefresh } from '../../src/refresh/refresh.js';
import { SAVE_PATIENCE_MILLIS } from '../../src/refresh/save-answer.js';
import { createSpool } from '../../src/refresh/spool.js';
import { type ModelDatabase, nodeStatements } from './model-database.js';
import type { ModelProvider } from './model-provider.js';
import { createSteps } from './model-steps.js';
import { createModelStore, type Omissions, toModelClaimed } from './model-store.js';
import { oktaDefinition } from './okta.js';

export const MODEL_ENVIRONMENT = 'test';
export const MODEL_CONNECTION = 'conn_1';

/** What all owners of a run share. */
export interface Surroundings {
  readonly database: ModelDatabase;
  readonly provider: ModelProvider;
  readonly clock: Clock;
  readonly isAway: () => boolean;
  readonly omit: Omissions;
  /** Told of each answer that a spool was given. */
  readonly noteKept: (folder: string, version: number) => void;
}

const log = createLogger('silent');
const wire = { findProvider: () => oktaDefinition, allowLoopback: false };

/** One life of one server process: the real refresh, spool and heartbeat over the model's store, provider and disk. */
export const startModelOwner = (
  { database, provider, clock, isAway, omit, noteKept }: Surroundings,
  { id, folder }: { readonly id: string; readonly folder: string },
) => {
  const steps = createSteps();
  const nodes = createNodes({ db: nodeStatements(database, clock, isAway), clock, id });
  const run = <Result>(name: string, statement: () => Result): Promise<Result> =>
    steps.take(name, () => {
      if (isAway()) throw new Error('the database is away');
      return statement();
    });
  const store = createModelStore({ database, clock, nodes, run, omit });
  const spool = createSpool({ folder, store, log });
  const monotonicMillis = () => (omit.lateDeparture ? 0 : clock.now().getTime());
  const oauth = provider.connect(steps);
  const target = {
    definition: oktaDefinition,
    method: provider.method,
    config: { domain: 'acme.okta.com' },
    client: { clientId: 'client', clientSecret: 'secret', clientKey: null },
  };
  const integration: IntegrationRecord = {
    rowId: 'int_1',
    environment: MODEL_ENVIRONMENT,
    integrationId: 'okta',
    tenantId: null,
    provider: 'okta',
    authMethod: provider.method.id,
    clientId: 'client',
    hasClientSecret: true,
    scopes: [],
    config: {},
    redirectUri: null,
    dpop: false,
    stopAfterUnusedDays: null,
    clientJwk: null,
    version: 1,
    status: 'healthy',
    reason: null,
    createdAt: clock.now(),
    updatedAt: clock.now(),
  };

  const refresh = createRefresh({
    store,
    credentials: {
      openCredential: (connectionId) =>
        run('open', () => {
          const row = database.rows.get(connectionId);
          return row ? toModelClaimed(row) : null;
        }),
    },
    integrations: {
      markIntegration: async () => 'unchanged',
      takeClientTrial: async () => false,
      learnLifetime: async () => undefined,
    },
    oauth: {
      ...oauth,
      introspect: omit.lookBeforeUse
        ? async () => ({ active: true, expiresAt: null, scopes: null })
        : oauth.introspect,
    },
    findTarget: async () => ({ target, integration }),
    gate: {
      admit: async () => ({ admitted: true, isTrial: false }),
      succeeded: async () => undefined,
      failed: async () => undefined,
      look: async () => undefined,
    },
    spool: {
      ...spool,
      async keep(answer) {
        noteKept(folder, answer.fence.version);
        if (!omit.spool) await spool.keep(answer);
      },
    },
    outages: {
      judgeRefusal: async () => 'own',
      judgeSilence: async () => 'own',
      isToldOfIntegration: async () => false,
    },
    isFrozen: () => false,
    provenanceOf: () => 'own',
    mayRevoke: () => true,
    inTouchSince: nodes.inTouchSince,
    clock,
    monotonicMillis,
    wallMillis: monotonicMillis,
    randomness: { ...systemRandomness, fraction: () => 0.5 },
    // The model's database answers or fails: nobody's patience ends.
    sleep: (millis) =>
      millis === SAVE_PATIENCE_MILLIS ? new Promise(() => undefined) : steps.take('sleep', () => undefined),
    log,
    wire,
  });

  let tasks = 0;
  /** Begins something that the server does by itself; what it ends in is the database's matter. */
  const begin = (work: () => Promise<unknown>): void => {
    tasks += 1;
    work()
      .catch(() => undefined)
      .finally(() => {
        tasks -= 1;
      });
  };
  const heartbeat = createHeartbeat({
    nodes,
    clock: { now: clock.now, correct: () => undefined, ask: async () => undefined },
    monotonicMillis,
    onBeat: async () => void (await spool.drain()),
    onDeath: () => begin(() => refresh.sweepDueRefreshes(clock.now())),
    log,
  });

  return {
    id,
    folder,
    steps,
    isIdle: () => tasks === 0,
    beat: () => begin(heartbeat.beat),
    sweep: () => begin(() => refresh.sweepDueRefreshes(clock.now())),
    /** A reader whose token has ended, or was refused: due or not. */
    force: () => begin(() => refresh.refreshNow(MODEL_CONNECTION, MODEL_ENVIRONMENT)),
  };
};

export type ModelOwner = ReturnType<typeof startModelOwner>;

/** A clock that the test moves, alike for the database and all owners. */
export const createModelClock = () => {
  let now = new Date('2026-01-01T00:00:00Z');
  return {
    now: () => now,
    move(seconds: number): void {
      now = addSeconds(now, seconds);
    },
  };
};
