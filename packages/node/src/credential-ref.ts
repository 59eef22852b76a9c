import type { ProviderId } from '@authpipe/types';
import { appId, DEFAULT_LABEL, OWNER_RULE } from '@authpipe/types';
import { given } from './call-arguments.js';
import { invalidField, invalidRequest } from './errors.js';
import { refuseUnknownKeys } from './known-keys.js';

/** Whose connection it is: always said, never guessed. */
export type Owner =
  | { readonly userId: string; readonly owner?: never }
  | { readonly owner: 'tenant'; readonly userId?: never };

/** Which provider, or which integration of it. */
export type Target =
  | { readonly provider: ProviderId; readonly integration?: string }
  | { readonly integration: string; readonly provider?: never };

/** Finds a connection by what the app knows: provider or integration, tenant, owner, and label (default `default`). */
export type OwnerRef = Target &
  Owner & { readonly tenantId: string; readonly label?: string; readonly connectionId?: never };

/** Finds a connection by its id. */
export interface ConnectionIdRef {
  readonly connectionId: string;
  readonly provider?: never;
  readonly integration?: never;
  readonly tenantId?: never;
  readonly userId?: never;
  readonly owner?: never;
  readonly label?: never;
}

/**
 * Finds one connection. A user's look-up needs a non-empty `userId`; the tenant's own connection is asked for with
 * `owner: 'tenant'` and nothing else.
 */
export type CredentialRef = OwnerRef | ConnectionIdRef;

/** A ref as an untyped caller may hand it in. */
export interface LooseRef {
  readonly connectionId?: string | undefined;
  readonly provider?: string | undefined;
  readonly integration?: string | undefined;
  readonly tenantId?: string | undefined;
  readonly userId?: string | undefined;
  readonly owner?: string | undefined;
  readonly label?: string | undefined;
}

/** Every key of a ref. */
const REF_KEYS = ['provider', 'integration', 'tenantId', 'userId', 'owner', 'label', 'connectionId'] as const;

/**
 * Whether a ref says something that nothing reads. Looked at with each read, also one from the cache: a misspelt `label`,
 * or a `userid` beside `owner`, must not be answered with what the rest of the ref means.
 */
export const isMisspelt = (ref: LooseRef): boolean => {
  for (const key in ref) if (!isRefKey(key)) return true;
  return false;
};

/** Spelled out, with the most frequent first: comparing is cheaper than any look-up. */
const isRefKey = (key: string): boolean =>
  key === 'provider' ||
  key === 'tenantId' ||
  key === 'userId' ||
  key === 'connectionId' ||
  key === 'owner' ||
  key === 'label' ||
  key === 'integration';

/** Query of `GET /v1/credentials` for a ref. */
export const refQuery = (ref: LooseRef): Record<string, string | undefined> =>
  ref.connectionId === undefined
    ? {
        provider: ref.provider,
        integration: ref.integration,
        tenantId: ref.tenantId,
        userId: ref.userId,
        owner: ref.owner,
        label: ref.label === DEFAULT_LABEL ? undefined : ref.label,
      }
    : { connectionId: ref.connectionId };

/**
 * Checks what types can't: callers without TypeScript, and values that are undefined in spite of it.
 * @throws AuthpipeError `invalid_request`, naming the field
 */
export const checkRef = (ref: LooseRef): void => {
  if (typeof ref !== 'object' || ref === null) {
    throw invalidRequest('Say which connection: { provider, tenantId, userId }, or { connectionId }.');
  }
  refuseUnknownKeys(ref, REF_KEYS);
  const { connectionId, ...rest } = ref;
  if (connectionId !== undefined) {
    if (typeof connectionId !== 'string' || connectionId === '')
      throw invalidField('connectionId', 'must not be empty');
    const other = Object.entries(rest).find(([, value]) => value !== undefined)?.[0];
    if (other !== undefined) throw invalidField(other, 'must be left out beside connectionId');
    return;
  }
  if (ref.provider === undefined && ref.integration === undefined) {
    throw invalidField('provider', 'is missing: give provider, integration or connectionId');
  }
  checkId('provider', ref.provider);
  checkId('integration', ref.integration);
  checkId('label', ref.label);
  checkOwner(ref);
};

/** Checks that it is said whose something is. @throws AuthpipeError `invalid_request`, naming the field */
export const checkOwner = ({
  tenantId,
  userId,
  owner,
}: Pick<LooseRef, 'tenantId' | 'userId' | 'owner'>): void => {
  if (tenantId === undefined) throw invalidField('tenantId', 'is missing');
  checkId('tenantId', tenantId);
  checkId('userId', userId);
  if (owner !== undefined && owner !== 'tenant') throw invalidField('owner', 'can only be "tenant"');
  if ((userId === undefined) === (owner === undefined)) throw invalidField('userId', OWNER_RULE);
};

/** Checks an id that may be left out. @throws AuthpipeError `invalid_request`, naming the field */
export const checkId = (field: keyof LooseRef, value: unknown): void => {
  if (value === undefined) return;
  if (typeof value !== 'string') throw invalidField(field, `must be a string; ${given(value)}`);
  const checked = appId.safeParse(value);
  if (!checked.success) throw invalidField(field, checked.error.issues[0]?.message ?? 'is not valid');
};
