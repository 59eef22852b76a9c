import { z } from 'zod';

/**
 * Ids that the app chooses (tenants, users, integrations, labels): 1–256 characters, no control characters.
 * Leading and trailing white space is refused rather than trimmed, so that two spellings never mean one tenant.
 */
export const appId = z
  .string()
  .min(1, 'must not be empty')
  .max(256, 'must be at most 256 characters')
  .refine((id) => id === id.trim(), 'must not begin or end with white space')
  .refine((id) => !/\p{Cc}/u.test(id), 'must not contain control characters');

/** Name of an environment: lower-case letters, digits and `_`, as in `ap_ENV_…` of an API key. */
export const environmentName = z
  .string()
  .regex(/^[a-z][a-z0-9]{0,31}$/, 'must be a lower-case word such as live or test');

/** The default label of a user's only account at an integration. */
export const DEFAULT_LABEL = 'default';

/** Who owns a connection: a user of the tenant, or the tenant itself. */
export const connectionOwner = z.enum(['user', 'tenant']);
export type ConnectionOwner = z.infer<typeof connectionOwner>;

/** Says that a request names its owner explicitly: a `userId`, or `owner: "tenant"`, never both or neither. */
export const OWNER_RULE =
  'give either userId (a user of the tenant) or owner: "tenant" (the tenant itself), not both and not neither';

/** Whether exactly one of `userId` and `owner` is there. */
export const namesOneOwner = (ref: { userId?: string | undefined; owner?: 'tenant' | undefined }): boolean =>
  (ref.userId === undefined) !== (ref.owner === undefined);

/** Up to 20 string pairs that belong to the app: keys of 1–40 characters, values of at most 500. */
export const metadata = z
  .record(z.string().min(1).max(40), z.string().max(500))
  .refine((pairs) => Object.keys(pairs).length <= 20, 'must have at most 20 pairs');
export type Metadata = z.infer<typeof metadata>;
