import { type ProviderDefinition, parseConfig } from '@authpipe/providers';
import { Problem } from '../../errors/problem.js';
import type { Settings } from '../session-choices.js';

/** Those of the settings that the provider has: a session may give others for other providers. */
export const ownSettings = ({ config }: ProviderDefinition, settings: Settings): Settings =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => Object.hasOwn(config, name)));

/**
 * Settings that whoever makes a set-up fixes; what is left out is typed later. They have to be right now: nobody could
 * mend them in the form.
 * @throws Problem `invalid_request`, naming each that is wrong
 */
export const checkGivenSettings = (
  definition: ProviderDefinition,
  given: Settings,
  allowLoopback: boolean,
): void => {
  const parsed = parseConfig(definition, given, { allowLoopback });
  if (parsed.ok) return;
  const errors = parsed.errors
    .filter(({ field }) => Object.hasOwn(given, field))
    .map(({ field, error }) => ({ pointer: `/config/${field}`, detail: error }));
  const [first] = errors;
  if (first) throw new Problem('invalid_request', `A setting is not valid: ${first.detail}`, { errors });
};
