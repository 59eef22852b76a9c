import type { StatusReason } from '@authpipe/types';

/** What a token that lives may no longer do: only who says so can mend it, when asked again. */
const AUTHORIZATION_REASONS = [
  'role_lost',
  'scope_lost',
  'configuration',
] as const satisfies readonly StatusReason[];

/** Whether a refusal is about what a token may do, and not about whether it lives. */
export const isOfWhatItMay = (reason: StatusReason): boolean =>
  (AUTHORIZATION_REASONS as readonly StatusReason[]).includes(reason);

/** SQL: the list of those reasons, for `reason IN …`. */
export const OF_WHAT_IT_MAY = `(${AUTHORIZATION_REASONS.map((reason) => `'${reason}'`).join(', ')})`;
