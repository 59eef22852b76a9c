import { type ApiKeyScope, apiKeyScope, appId, environmentName, type FieldError } from '@authpipe/types';
import { z } from 'zod';
import { Problem } from '../errors/problem.js';

/** In lists, the name of keys that came by the variable; no other key has it. */
export const BOOT_KEY_NAME = 'AUTHPIPE_API_KEY';

/** A key to be made. */
export interface NewApiKey {
  /** For people, to know it by. */
  readonly name: string;
  readonly environment: string;
  readonly scopes: readonly ApiKeyScope[];
  /** Limits the key to one tenant; all, when left out. */
  readonly tenantId?: string | null | undefined;
  /** When it stops being accepted; never, when left out. */
  readonly expiresAt?: Date | null | undefined;
}

const newApiKey = z.object({
  name: z
    .string()
    .trim()
    .min(1, 'must not be empty')
    .max(100, 'must be at most 100 characters')
    .refine((name) => name !== BOOT_KEY_NAME, `must not be ${BOOT_KEY_NAME}`),
  environment: environmentName,
  scopes: z.array(apiKeyScope).min(1, 'must name at least one scope'),
  tenantId: appId.nullish().transform((tenantId) => tenantId ?? null),
  expiresAt: z
    .date()
    .nullish()
    .transform((expiresAt) => expiresAt ?? null),
});

const refuse = (errors: readonly FieldError[]): Problem => {
  const told = errors.map(({ pointer, detail }) => `${pointer.slice(1)} ${detail}`).join('; ');
  return new Problem('invalid_request', `The API key can't be made: ${told}.`, { errors });
};

/** @throws Problem `invalid_request` that says what is wrong with the key to be made */
export const checkNewApiKey = (wanted: NewApiKey, now: Date): z.output<typeof newApiKey> => {
  const parsed = newApiKey.safeParse(wanted);
  if (!parsed.success) {
    throw refuse(
      parsed.error.issues.map(({ path, message }) => ({ pointer: `/${path.join('/')}`, detail: message })),
    );
  }
  const { expiresAt, scopes } = parsed.data;
  if (expiresAt !== null && expiresAt <= now) {
    throw refuse([{ pointer: '/expiresAt', detail: 'must be in the future' }]);
  }
  return { ...parsed.data, scopes: [...new Set(scopes)] };
};
