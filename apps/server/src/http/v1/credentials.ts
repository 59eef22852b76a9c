import {
  type AuditWhere,
  type Credential,
  credential,
  credentialRef,
  type ParsedCredentialRef,
} from '@authpipe/types';
import { z } from 'zod';
import type { ApiKeyIdentity } from '../../access/api-key-store.js';
import type { Actor } from '../../actor.js';
import { keyActor } from '../caller.js';
import { problemDocumentOf, toProblem } from '../problem-response.js';
import { defineRoute, type Route } from '../route.js';
import { requireTenant } from '../tenant-limit.js';

/**
 * Reads one credential for `reader`, whom the audit names; `tenantId` limits it to one tenant's connections, `waitMillis` the wait for a provider whose last
 * token has ended.
 * @throws Problem
 */
export type ReadCredential = (
  ref: ParsedCredentialRef,
  environment: string,
  tenantId: string | null,
  waitMillis?: number,
  reader?: Actor,
) => Promise<Credential>;

/** How many credentials one batch may ask for. */
const MAX_BATCH = 100;
/** Time enough for most token endpoints; no longer, as all others of the batch wait too, for whichever provider hangs. */
const BATCH_WAIT_MILLIS = 2_500;

const batchRequest = z.strictObject({ credentials: z.array(credentialRef).min(1).max(MAX_BATCH) });

const readFor = (
  readCredential: ReadCredential,
  { key, where }: { readonly key: ApiKeyIdentity; readonly where: AuditWhere },
  ref: ParsedCredentialRef,
  waitMillis?: number,
): Promise<Credential> => {
  if ('tenantId' in ref) requireTenant(key, ref.tenantId);
  return readCredential(ref, key.environment, key.tenantId, waitMillis, keyActor(key, where));
};

/** The hot path: a product's backend asks for credentials to use. */
export const credentialRoutes = (readCredential: ReadCredential, publicUrl: string): Route[] => [
  defineRoute({
    method: 'get',
    path: '/credentials',
    scope: 'credentials:read',
    auditsUse: true,
    summary: 'A credential that works now',
    query: credentialRef,
    answer: credential,
    handle: async (input) => ({ body: await readFor(readCredential, input, input.query) }),
  }),
  defineRoute({
    method: 'post',
    path: '/credentials/batch',
    scope: 'credentials:read',
    // A kept answer would outlive its tokens, and a tenant's deletion.
    isRead: true,
    auditsUse: true,
    summary: 'Many credentials: each a credential or an error, in the order asked',
    body: batchRequest,
    handle: async ({ key, where, body, requestId }) => {
      const answers = await Promise.allSettled(
        body.credentials.map(async (ref) => readFor(readCredential, { key, where }, ref, BATCH_WAIT_MILLIS)),
      );
      return {
        body: {
          credentials: answers.map((answer) =>
            answer.status === 'fulfilled'
              ? { credential: answer.value }
              : { error: problemDocumentOf(toProblem(answer.reason), requestId, publicUrl) },
          ),
        },
      };
    },
  }),
];
