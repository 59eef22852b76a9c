import { createHash } from 'node:crypto';
import { addSeconds, type Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import { Problem } from '../errors/problem.js';
import type { Vault } from '../vault/vault.js';
import type { ApiKeyIdentity } from './api-key-store.js';

/** What makes a request the same as an earlier one. */
export interface IdempotentRequest {
  readonly key: ApiKeyIdentity;
  readonly idempotencyKey: string;
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

/** An answer that can be given again. */
export interface RepeatableAnswer {
  readonly status?: number;
  readonly body?: unknown;
}

export interface IdempotentRequests {
  /**
   * Runs a request once per key and `Idempotency-Key`; a repetition within a day gets the first answer. An attempt that
   * failed is forgotten, so that it can be repeated.
   * @throws Problem `conflict` when the key came with another request before, or its first request still runs
   */
  once<Answer extends RepeatableAnswer>(
    request: IdempotentRequest,
    run: () => Promise<Answer>,
  ): Promise<RepeatableAnswer>;
  /** Forgets answers older than a day. */
  sweep(now: Date): Promise<void>;
}

const KEPT_SECONDS = 86_400;
/** Longer than any request takes: a row that is still open then belongs to a server that died. */
const ABANDONED_SECONDS = 60;

/** What tells two requests apart. */
const digestOf = ({ method, path, body }: IdempotentRequest): string =>
  createHash('sha256')
    .update(JSON.stringify([method, path, body]))
    .digest('base64');

/**
 * Keeps answers sealed, since the answer to a new connect session holds its token, and digests of requests too: a body may
 * hold a password, which its digest would let anybody with a copy of the database guess.
 */
export const createIdempotentRequests = ({
  db,
  vault,
  clock,
}: {
  readonly db: Database;
  readonly vault: Vault;
  readonly clock: Clock;
}): IdempotentRequests => {
  const idOf = ({ key, idempotencyKey }: IdempotentRequest) => ({
    environment: key.environment,
    apiKeyId: key.id,
    key: idempotencyKey,
  });
  const placeOf = ({ key, idempotencyKey }: IdempotentRequest, field: 'request' | 'answer') => ({
    environment: key.environment,
    tenantId: key.tenantId ?? '',
    record: `${key.id}/${idempotencyKey}`,
    field,
    version: 1,
  });

  /** Takes the key for a request that is new; answers since when, or `null` when the key is taken. */
  const take = async (request: IdempotentRequest): Promise<Date | null> => {
    const createdAt = clock.now();
    const requestHash = await vault.seal(placeOf(request, 'request'), digestOf(request));
    const { count } = await db.prisma.idempotentRequest.createMany({
      data: [{ ...idOf(request), requestHash, createdAt }],
      skipDuplicates: true,
    });
    return count === 1 ? createdAt : null;
  };

  /** Takes the key over from a server that died; answers since when, or `null` when another was quicker. */
  const takeOver = async (request: IdempotentRequest, abandonedAt: Date): Promise<Date | null> => {
    const createdAt = clock.now();
    const { count } = await db.prisma.idempotentRequest.updateMany({
      where: { ...idOf(request), status: null, createdAt: abandonedAt },
      data: { createdAt },
    });
    return count === 1 ? createdAt : null;
  };

  const stillRunning = (): Problem =>
    new Problem(
      'conflict',
      'The first request with this Idempotency-Key is still running: ask again shortly.',
      { retryAfterSeconds: 1 },
    );

  /** The first answer, or since when the key is this request's, whose first run was abandoned. */
  const again = async (request: IdempotentRequest): Promise<RepeatableAnswer | Date> => {
    const earlier = await db.prisma.idempotentRequest.findUnique({
      where: { environment_apiKeyId_key: idOf(request) },
    });
    if (!earlier) throw stillRunning();
    if ((await vault.open(placeOf(request, 'request'), earlier.requestHash)) !== digestOf(request)) {
      throw new Problem('conflict', 'This Idempotency-Key came with another request before: use a new one.');
    }
    if (earlier.status === null || earlier.envelope === null) {
      const isAbandoned = earlier.createdAt < addSeconds(clock.now(), -ABANDONED_SECONDS);
      const takenAt = isAbandoned ? await takeOver(request, earlier.createdAt) : null;
      if (takenAt === null) throw stillRunning();
      return takenAt;
    }
    const body: unknown = JSON.parse(await vault.open(placeOf(request, 'answer'), earlier.envelope));
    return { status: earlier.status, ...(body === null ? {} : { body }) };
  };

  return {
    async once(request, run) {
      const createdAt = (await take(request)) ?? (await again(request));
      if (!(createdAt instanceof Date)) return createdAt;
      // Only as long as the key is still this attempt's: another may have taken over a slow one.
      const where = { ...idOf(request), createdAt, status: null };
      try {
        const answer = await run();
        const envelope = await vault.seal(placeOf(request, 'answer'), JSON.stringify(answer.body ?? null));
        await db.prisma.idempotentRequest.updateMany({
          where,
          data: { status: answer.status ?? 200, envelope },
        });
        return answer;
      } catch (error) {
        await db.prisma.idempotentRequest.deleteMany({ where });
        throw error;
      }
    },
    async sweep(now) {
      await db.prisma.idempotentRequest.deleteMany({
        where: { createdAt: { lt: addSeconds(now, -KEPT_SECONDS) } },
      });
    },
  };
};
